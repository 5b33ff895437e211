import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { tokens } from "@flowstate/shared/tokens";
import { resolveCall } from "../normalise/merge.ts";
import { tidy } from "../run/tidy.ts";
import { sightingBy, type Capture, type Sighting } from "../normalise/sighting.ts";
import { describeAlarm } from "./formats.ts";
import { openLedger, type Ledger } from "./ledger.ts";

const captures = ["session-log", "otlp", "intercept"] as const;
const tools = ["claude-code", "codex-cli", "gemini-cli"] as const;
type Tool = (typeof tools)[number];

interface Happened {
  readonly id: number;
  readonly tool: Tool;
  readonly endedAt: number;
  readonly prompt: number;
  readonly output: number;
}

/** The names by which each source knows a call: Claude Code's are shared, Codex's telemetry and Gemini's have none in common. */
const namesOf: Readonly<Record<Tool, (id: number) => Readonly<Record<(typeof captures)[number], string[]>>>> =
  {
    "claude-code": (id) => ({
      "session-log": [`msg_${id}`, `req_${id}`],
      otlp: [`req_${id}`],
      intercept: [`msg_${id}`, `req_${id}`],
    }),
    "codex-cli": (id) => ({
      "session-log": [`resp_${id}`],
      otlp: [`otlp:codex-cli:${id}`],
      intercept: [`resp_${id}`, `req_${id}`],
    }),
    "gemini-cli": (id) => ({
      "session-log": [`gemini:s:${id}`],
      otlp: [`otlp:gemini-cli:${id}`],
      intercept: [`answer-${id}`],
    }),
  };

/** What one source says of a call; its clock and its idea of the end are its own. */
function seen(call: Happened, capture: (typeof captures)[number], lateMs: number): Sighting {
  const [callId = "", ...aliases] = namesOf[call.tool](call.id)[capture];
  return sightingBy(capture, {
    callId,
    aliases: aliases.toSorted(),
    tool: call.tool,
    provider: "p",
    model: capture === "intercept" ? "model-1-20260801" : "model-1",
    place: {
      occurredAt: call.endedAt + lateMs - (capture === "intercept" ? 700 : 0),
      sessionId: capture === "intercept" ? null : "s",
    },
    durationMs: capture === "intercept" ? 700 : null,
    tokens: tokens({ input: call.prompt - 5, cacheRead: 5, output: call.output }),
  });
}

const start = 1_795_000_000_000;
const late = fc.integer({ min: 0, max: 900 });

/** Every account of every call, some of them twice, in any order. */
function accounts(
  calls: readonly Happened[],
  seenBy: fc.Arbitrary<readonly (typeof captures)[number][]>,
): fc.Arbitrary<{ readonly calls: readonly Happened[]; readonly arriving: readonly Sighting[] }> {
  return fc
    .tuple(
      ...calls.map((call) =>
        seenBy.chain((sources) =>
          fc.tuple(...sources.map((source) => late.map((lateMs) => seen(call, source, lateMs)))),
        ),
      ),
    )
    .chain((all) => {
      const once = all.flat<Sighting[][]>();
      return fc
        .shuffledSubarray([...once, ...once], { minLength: once.length * 2 })
        .map((arriving) => ({ calls, arriving }));
    });
}

const oneOrMore = fc.subarray([...captures], { minLength: 1 });
const callsApart = fc
  .array(fc.tuple(fc.constantFrom(...tools), fc.constantFrom(100, 200), fc.constantFrom(7, 9)), {
    minLength: 1,
    maxLength: 5,
  })
  .map((rows) =>
    rows.map(([tool, prompt, output], id): Happened => ({
      id,
      tool,
      prompt,
      output,
      endedAt: start + id * 7000,
    })),
  );
/** The same call again and again, as an agent polls: only the order in time tells which account is of which. */
const callsInARow = fc.tuple(fc.constantFrom(...tools), fc.integer({ min: 2, max: 5 })).map(([tool, count]) =>
  Array.from({ length: count }, (_, id): Happened => ({
    id,
    tool,
    prompt: 100,
    output: 7,
    endedAt: start + id * 2500,
  })),
);

const world = fc.oneof(
  callsApart.chain((calls) => accounts(calls, oneOrMore)),
  callsInARow.chain((calls) => accounts(calls, fc.constant([...captures]))),
);

const told = (ledger: Ledger, now: number) =>
  ledger.calls
    .due(now, 20_000, 1000)
    .map(({ call }) => ({ names: call.names, ...resolveCall(call) }))
    .toSorted((a, b) => ((a.names[0] ?? "") < (b.names[0] ?? "") ? -1 : 1));

test("a call that log, telemetry and wire saw is one call, in any order and however often each says it", (t) => {
  fc.assert(
    fc.property(world, ({ calls, arriving }) => {
      using ledger = openLedger(":memory:");
      for (const [index, sighting] of arriving.entries()) ledger.calls.note([sighting], index);
      const now = told(ledger, 30_000);
      t.is(now.length, calls.length);
      t.is(ledger.calls.counts().known, calls.length);

      using inOrder = openLedger(":memory:");
      inOrder.calls.note(
        arriving.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
        0,
      );
      t.deepEqual(now, told(inOrder, 30_000));
    }),
    { numRuns: 300 },
  );
});

test("an account that comes when the call was already told revises it, and makes no second one", (t) => {
  fc.assert(
    fc.property(
      callsApart.chain((calls) => accounts(calls, oneOrMore)),
      ({ calls, arriving }) => {
        using ledger = openLedger(":memory:");
        const ids = new Set<number>();
        for (const [index, sighting] of arriving.entries()) {
          const now = index * 60_000;
          ledger.calls.note([sighting], now);
          for (const { id, revision } of ledger.calls.due(now + 20_000, 20_000, 1000)) {
            ids.add(id);
            ledger.calls.told(id, "told", revision + 1);
          }
        }
        t.is(ledger.calls.counts().known, calls.length);
        t.deepEqual(ledger.calls.counts().untold, 0);
        t.true(ids.size >= calls.length);
      },
    ),
    { numRuns: 300 },
  );
});

/** What a control plane makes of what it is told: calls that share a name are one. */
function hearing() {
  const calls: { names: Set<string>; output: number | null }[] = [];
  return {
    calls,
    hear(ledger: Ledger, now: number): void {
      for (const { id, call, revision } of ledger.calls.due(now, 0, 1000)) {
        const same = calls.filter(({ names }) => call.names.some((name) => names.has(name)));
        for (const one of same) calls.splice(calls.indexOf(one), 1);
        const names = new Set([...call.names, ...same.flatMap((one) => [...one.names])]);
        calls.push({ names, output: resolveCall(call).tokens.output });
        ledger.calls.told(id, "told", revision + 1);
      }
    },
  };
}

interface Step {
  readonly sighting: Sighting;
  readonly isTold: boolean;
  readonly isSettled: boolean;
}

/** Telemetry, the wire and some logs as calls happen; then every log again, some of them for the first time. */
const longLived = callsApart.chain((calls) => {
  const live = fc.subarray(captures.flatMap((capture) => calls.map((call) => seen(call, capture, 0))));
  const logs = calls.map((call) => seen(call, "session-log", 0));
  const later = fc.shuffledSubarray([...logs, ...logs], { minLength: 2 * logs.length });
  const steps = (sightings: readonly Sighting[]): fc.Arbitrary<readonly Step[]> =>
    fc.tuple(
      ...sightings.map((sighting) =>
        fc.record({ sighting: fc.constant(sighting), isTold: fc.boolean(), isSettled: fc.boolean() }),
      ),
    );
  return fc.record({
    calls: fc.constant(calls),
    live: live.chain((some) => fc.shuffledSubarray(some, { minLength: some.length })).chain(steps),
    later: later.chain(steps),
  });
});

test("settling at any moment neither doubles nor loses a call, however often and late logs are read", (t) => {
  fc.assert(
    fc.property(longLived, ({ calls, live, later }) => {
      using ledger = openLedger(":memory:");
      const { calls: heard, hear } = hearing();
      let now = 0;
      for (const { sighting, isTold } of live) {
        ledger.calls.note([sighting], (now += 1000));
        if (isTold) hear(ledger, now);
      }
      hear(ledger, now);
      for (const { sighting, isTold, isSettled } of later) {
        if (isSettled) ledger.calls.settle(now + 1, 1000);
        ledger.calls.note([sighting], (now += 1000));
        if (isTold) hear(ledger, now);
      }
      hear(ledger, now);
      t.is(heard.length, calls.length);
      const sumOf = (some: readonly { readonly output: number | null }[]): number =>
        some.reduce((sum, { output }) => sum + (output ?? 0), 0);
      t.is(sumOf(heard), sumOf(calls));
      ledger.calls.settle(now + 1, 1000);
      t.deepEqual(ledger.calls.counts(), { known: 0, untold: 0 });
    }),
    { numRuns: 300 },
  );
});

test("only a call that was told, long ago, and of which no log can know more is settled", (t) => {
  const base: Happened = { id: 1, tool: "codex-cli", prompt: 100, output: 7, endedAt: start };
  const log = seen(base, "session-log", 0);
  const wire = seen(base, "intercept", 0);
  const cases: readonly (readonly [
    what: string,
    sighting: Sighting,
    isTold: boolean,
    at: number,
    settled: number,
  ])[] = [
    ["a log has told of it", log, true, 0, 1],
    ["its log may still be read", wire, true, 0, 0],
    ["its program keeps no log", { ...wire, tool: "openai-sdk" }, true, 0, 1],
    ["it was not told yet", log, false, 0, 0],
    ["it is fresh", log, true, 5000, 0],
  ];
  for (const [what, sighting, isTold, at, settled] of cases) {
    using ledger = openLedger(":memory:");
    ledger.calls.note([sighting], at);
    if (isTold) hearing().hear(ledger, at);
    t.is(ledger.calls.settle(1000, 10), settled, what);
    ledger.calls.note([sighting], 9000);
    t.is(ledger.calls.counts().known, 1 - settled, what);
  }
});

test("what settled calls took is given back to the disk", async (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "ledger.db");
  using ledger = openLedger(file);
  const calls = Array.from({ length: 2000 }, (_, id) =>
    seen({ id, tool: "claude-code", prompt: 100 + id, output: 7, endedAt: start + id }, "session-log", 0),
  );
  ledger.calls.note(calls, 0);
  hearing().hear(ledger, 0);
  hearing().hear(ledger, 0);
  const pages = (): number => {
    const db = openSqlite(file, { readOnly: true });
    const count = Number(db.pragma("page_count", { simple: true }));
    db.close();
    return count;
  };
  const before = pages();
  t.is(await tidy(ledger, 1, new AbortController().signal), 2000);
  t.true(pages() < before / 4, `${pages()} of ${before} pages`);
});

test("calls of one size at one time stay apart where a vendor's names, the conversation or the model differ", (t) => {
  const base: Happened = { id: 1, tool: "codex-cli", prompt: 100, output: 7, endedAt: start };
  const log = seen(base, "session-log", 0);
  const otlp = seen({ ...base, id: 2 }, "otlp", 0);
  const cases: [what: string, other: Sighting, known: number][] = [
    ["nothing differs", otlp, 1],
    ["another response", { ...otlp, callId: "resp_2" }, 2],
    ["another conversation", { ...otlp, place: { ...otlp.place, sessionId: "other" } }, 2],
    ["another model", { ...otlp, model: "model-2" }, 2],
    ["another output", { ...otlp, tokens: { ...otlp.tokens, output: 8 } }, 2],
    ["six seconds later", seen({ ...base, id: 2 }, "otlp", 6000), 2],
    ["the same source", seen({ ...base, id: 2 }, "session-log", 0), 2],
  ];
  for (const [what, other, known] of cases) {
    using ledger = openLedger(":memory:");
    ledger.calls.note([log, other], 0);
    ledger.calls.due(30_000, 20_000, 10);
    t.is(ledger.calls.counts().known, known, what);
  }
});

test("what was noted is there after reopening, and was told once", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "ledger.db");
  const call: Happened = { id: 1, tool: "claude-code", prompt: 100, output: 7, endedAt: start };
  const open = (work: (ledger: Ledger) => void): void => {
    using ledger = openLedger(file);
    work(ledger);
  };
  open(({ calls }) => calls.note([seen(call, "session-log", 0)], 0));
  open(({ calls }) => {
    const [due] = calls.due(30_000, 20_000, 10);
    t.deepEqual(due?.call.names, ["msg_1", "req_1"]);
    calls.told(due?.id ?? 0, "hash", 1);
  });
  open(({ calls }) => {
    t.deepEqual(calls.due(60_000, 20_000, 10), []);
    calls.note([seen(call, "otlp", 0)], 60_000);
    t.like(calls.due(90_000, 20_000, 10)[0], { revision: 1, told: "hash" });
  });
});

const format = { tool: "claude-code", toolVersion: null, host: null };

test("a format is alarming once more than one answer in twenty gives nothing, and not before there are twenty such", (t) => {
  const alarms = (seenRows: number, blank: number, capture: Capture = "session-log") => {
    using ledger = openLedger(":memory:");
    ledger.formats.add(capture, [{ ...format, seen: seenRows - 1, blank }], 0);
    ledger.formats.add(capture, [{ ...format, seen: 1, blank: 0 }], 0);
    return ledger.formats.alarms();
  };
  t.deepEqual(alarms(19, 19), []);
  t.deepEqual(alarms(400, 20), []);
  t.deepEqual(alarms(399, 20, "otlp"), [{ capture: "otlp", ...format, seen: 399, blank: 20 }]);
});

test("a format is told when it is met, as it becomes an alarm, and otherwise once in a while", (t) => {
  using ledger = openLedger(":memory:");
  const { formats } = ledger;
  const steps: readonly [what: string, at: number, seen: number, blank: number, isTold: boolean][] = [
    ["the first answers", 0, 10, 0, true],
    ["more of them", 10, 90, 10, false],
    ["after a while", 1000, 1, 0, true],
    ["an alarm", 1010, 20, 20, true],
    ["more of it", 1020, 20, 20, false],
    ["after a while", 2010, 20, 20, true],
    ["the clock was set back by years", 10, 1, 1, true],
  ];
  let seen = 0;
  let blank = 0;
  for (const [what, at, more, moreBlank, isTold] of steps) {
    formats.add(
      "intercept",
      [{ tool: "openai", toolVersion: null, host: "h", seen: more, blank: moreBlank }],
      at,
    );
    seen += more;
    blank += moreBlank;
    const due = formats.due(at, 1000);
    const told = { capture: "intercept", tool: "openai", host: "h", seen, blank, firstAt: 0 } as const;
    t.is(due.length, isTold ? 1 : 0, what);
    if (isTold) t.like(due[0], told, what);
    formats.told(due, at);
  }
  t.deepEqual(formats.due(9000, 1000), [], "nothing new");
  t.is(
    formats.alarms().map(describeAlarm).join(),
    "what h answers by the openai API is not understood: 71 of 162 answers gave no usage",
  );
});

test("whoever tells of calls is woken by what was kept, and by nothing else", (t) => {
  let news = 0;
  using ledger = openLedger(":memory:", { onNews: () => (news += 1) });
  ledger.calls.note([], start);
  ledger.formats.add("session-log", [], start);
  t.is(news, 0);
  const call = { id: 1, tool: "claude-code", endedAt: start, prompt: 10, output: 1 } as const;
  ledger.calls.note([seen(call, "session-log", 0)], start);
  t.is(news, 1);
  const format = { tool: "claude-code", toolVersion: null, host: null, seen: 1, blank: 0 };
  ledger.formats.add("session-log", [format], start);
  t.is(news, 2);
});
