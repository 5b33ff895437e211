import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { copilotRequest, copilotStore } from "../../test/support/copilot-store.ts";
import { openLedger, type Ledger } from "../ledger/ledger.ts";
import { resolveCall } from "../normalise/merge.ts";
import { createTail } from "./tail.ts";

const signal = new AbortController().signal;
const claudeLog = ".claude/projects/-src-api/s1.jsonl";
const codexLog = ".codex/sessions/2026/10/03/rollout-2026-10-03T09-00-00-root.jsonl";

/** A home folder, its ledger, and looks at its logs, each by a tail of its own as after a restart. */
function home() {
  const folder = temporaryFolder();
  const ledger = openLedger(":memory:");
  const machine = { home: folder.path, platform: "linux", env: {} } as const;
  let now = 0;
  let tail = createTail(machine, ledger, () => now);
  return {
    ledger,
    file: (name: string): string => join(folder.path, name),
    write(name: string, content: string | Buffer): void {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), content);
    },
    look: () => tail.look(signal),
    restart: () => void (tail = createTail(machine, ledger, () => now)),
    wait: (ms: number) => void (now += ms),
    [Symbol.dispose]: () => {
      ledger[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** What the ledger would tell of now, by name. */
function calls({ calls: table }: Ledger): Readonly<Record<string, string>> {
  return Object.fromEntries(
    table.due(Number.MAX_SAFE_INTEGER, 0, 10_000).map(({ call }) => {
      const { sighting, tokens } = resolveCall(call);
      return [
        call.names[0] ?? "",
        `${sighting.model} ${sighting.place.sessionId} ${tokens.input}/${tokens.output}`,
      ];
    }),
  );
}

const row = (value: object): string => `${JSON.stringify(value)}\n`;

function claude(id: number, output = 10, text = "yes"): string {
  return row({
    type: "assistant",
    timestamp: "2026-10-03T09:00:00Z",
    sessionId: "s1",
    version: "2.1.220",
    message: {
      id: `msg_${id}`,
      role: "assistant",
      model: "claude-sonnet-4-5",
      content: [{ type: "text", text }],
      usage: { input_tokens: 100 + id, output_tokens: output },
    },
  });
}

const codex = (second: number, type: string, payload: object): string =>
  row({ timestamp: new Date(1_791_000_000_000 + second * 1000).toISOString(), type, payload });
/** A thread whose later rows mean nothing without the earlier: the model, and what was counted before. */
const thread = [
  codex(0, "session_meta", { id: "root", cli_version: "0.153.3", instructions: "é".repeat(300) }),
  codex(0, "turn_context", { model: "gpt-5.6" }),
  ...[1, 2, 3].map((turn) =>
    codex(turn * 60, "event_msg", {
      type: "token_count",
      info: { total_token_usage: { input_tokens: turn * 100, output_tokens: turn * 10 } },
    }),
  ),
  codex(240, "turn_context", { model: "gpt-5.6-mini" }),
  codex(300, "event_msg", {
    type: "token_count",
    info: { total_token_usage: { input_tokens: 450, output_tokens: 45 } },
  }),
].join("");
const transcript = [1, 2, 2, 3]
  .map((id, index) => claude(id, index * 7, "naïve — 日本".repeat(index)))
  .join("");

const whole = async (name: string, content: string): Promise<ReturnType<typeof calls>> => {
  using one = home();
  one.write(name, content);
  await one.look();
  return calls(one.ledger);
};

for (const [name, content, known] of [
  [claudeLog, transcript, 3],
  [codexLog, thread, 4],
] as const) {
  test(`${name} in pieces cut anywhere, with restarts between, tells what the whole does`, async (t) => {
    const expected = await whole(name, content);
    t.is(Object.keys(expected).length, known);
    const bytes = Buffer.from(content);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(bytes.length), { maxLength: 6 }).map((cuts) => cuts.toSorted((a, b) => a - b)),
        fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
        async (cuts, restarts) => {
          using one = home();
          let from = 0;
          one.write(name, "");
          for (const [index, to] of [...cuts, bytes.length].entries()) {
            appendFileSync(one.file(name), bytes.subarray(from, to));
            from = to;
            await one.look();
            if (restarts[index] === true) one.restart();
          }
          t.deepEqual(calls(one.ledger), expected);
        },
      ),
      { numRuns: 60 },
    );
  });
}

test("only what is new is read, whatever the size of what was read before", async (t) => {
  using one = home();
  one.write(claudeLog, claude(1) + claude(2));
  await one.look();
  const before = one.ledger.logs.cursor([...one.ledger.logs.stamps().keys()][0] ?? "");
  t.is(before?.offset, claude(1).length + claude(2).length);
  // A row that is changed where nobody looks again, between what names the file and the cursor, stays as it was read.
  const padding = claude(3, 1, "x".repeat(5000));
  const other = claudeLog.replace("s1", "s2");
  one.write(other, padding + claude(4) + padding);
  await one.look();
  one.write(other, padding + claude(9) + padding + claude(5));
  await one.look();
  t.deepEqual(Object.keys(calls(one.ledger)).toSorted(), ["msg_1", "msg_2", "msg_3", "msg_4", "msg_5"]);
  t.is((await one.look()).read, 0);
  one.restart();
  t.is((await one.look()).read, 0);
});

/** What may become of a log between two looks. After each, some calls of the person are in it, and none is lost. */
const fates: [what: string, change: (one: ReturnType<typeof home>) => void, known: number][] = [
  ["it grows", (one) => appendFileSync(one.file(claudeLog), claude(3)), 3],
  ["it is cut to nothing and written anew", (one) => one.write(claudeLog, claude(3)), 3],
  ["it is cut in the middle of a line", (one) => truncateSync(one.file(claudeLog), claude(1).length + 9), 2],
  [
    "it is rewritten at the same length",
    (one) => one.write(claudeLog, readFileSync(one.file(claudeLog), "utf8").replaceAll("msg_2", "msg_3")),
    3,
  ],
  [
    "it is rewritten longer, as a migration does",
    (one) => one.write(claudeLog, claude(7) + claude(1) + claude(2) + claude(3)),
    4,
  ],
  [
    "it is rotated: renamed, and a new one begun",
    (one) => {
      renameSync(one.file(claudeLog), one.file(claudeLog.replace("s1", "s1-old")));
      one.write(claudeLog, claude(3));
    },
    3,
  ],
  [
    "it is replaced by a copy that goes on",
    (one) => {
      const content = readFileSync(one.file(claudeLog));
      rmSync(one.file(claudeLog));
      one.write(claudeLog, Buffer.concat([content, Buffer.from(claude(3))]));
    },
    3,
  ],
  ["it is deleted", (one) => rmSync(one.file(claudeLog)), 2],
  ["its folder is deleted", (one) => rmSync(dirname(one.file(claudeLog)), { recursive: true }), 2],
  ["its last line has no end yet", (one) => appendFileSync(one.file(claudeLog), claude(3).trimEnd()), 2],
  [
    "a line of it is damaged",
    (one) => appendFileSync(one.file(claudeLog), `{"usage_tokens"\0\n${claude(3)}`),
    3,
  ],
];
for (const [what, change, known] of fates) {
  for (const restarted of [false, true]) {
    test(`nothing is lost and nothing doubled when ${what}${restarted ? ", the agent being away" : ""}`, async (t) => {
      using one = home();
      one.write(claudeLog, claude(1) + claude(2));
      await one.look();
      change(one);
      if (restarted) one.restart();
      await one.look();
      await one.look();
      t.is(Object.keys(calls(one.ledger)).length, known);
    });
  }
}

test("a Codex thread that is archived, and then compressed, is the same calls", async (t) => {
  using one = home();
  const archived = codexLog.replace(/sessions\/.*\//, "archived_sessions/");
  one.write(codexLog, thread);
  await one.look();
  const before = calls(one.ledger);
  mkdirSync(dirname(one.file(archived)), { recursive: true });
  renameSync(one.file(codexLog), one.file(archived));
  t.is((await one.look()).read, 0, "a log is known by the file, not by its name");
  rmSync(one.file(archived));
  one.write(`${archived}.zst`, zstdCompressSync(Buffer.from(thread)));
  t.is((await one.look()).read, 1);
  t.deepEqual(calls(one.ledger), before);
});

test("a log that is gone for a day is forgotten, and one that is back sooner is not read again", async (t) => {
  using one = home();
  one.write(claudeLog, claude(1));
  await one.look();
  renameSync(one.file(claudeLog), one.file("away"));
  await one.look();
  one.wait(3_600_000);
  await one.look();
  renameSync(one.file("away"), one.file(claudeLog));
  t.is((await one.look()).read, 0);
  rmSync(one.file(claudeLog));
  await one.look();
  one.wait(86_400_000);
  await one.look();
  t.is(one.ledger.logs.stamps().size, 0);
  t.is(Object.keys(calls(one.ledger)).length, 1);
});

test("a file of many slices is read to its end, and a look that is broken off goes on where it stopped", async (t) => {
  using one = home();
  const long = claude(1, 1, "x".repeat(3 << 20));
  one.write(claudeLog, Array.from({ length: 5 }, (_, id) => claude(id, 1) + long).join("") + claude(9));
  const stop = new AbortController();
  const broken = createTail({ home: one.file("."), platform: "linux", env: {} }, one.ledger, () => 0);
  const looking = broken.look(stop.signal);
  stop.abort();
  await looking;
  await broken.look(signal);
  t.is(Object.keys(calls(one.ledger)).length, 6);
});

test("between lines that nobody should write, every good one is counted", async (t) => {
  const noNewline = fc
    .uint8Array({ maxLength: 300 })
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)));
  const marked = fc
    .tuple(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("message", "usage", "payload", "timestamp", "type"))
    .map(([value, key]) =>
      Buffer.from(JSON.stringify({ type: "assistant", [key]: value, _tokens: 1, x_tokens: value })),
    );
  const torn = fc.nat(200).map((length) => Buffer.from(claude(7).slice(0, length)));
  const hostile = fc.oneof(
    noNewline,
    marked,
    torn,
    fc.constant(Buffer.from(`{"a_tokens":"${"[".repeat(100_000)}`)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { maxLength: 8 }), async (lines) => {
      using one = home();
      const rows = lines.flatMap((line, id) => [line, Buffer.from(`\n${claude(100 + id)}`)]);
      one.write(claudeLog, Buffer.concat(rows));
      await one.look();
      const known = Object.keys(calls(one.ledger));
      t.true(lines.every((_, id) => known.includes(`msg_${100 + id}`)));
    }),
    { numRuns: 60 },
  );
});

/** Answers whose counts are called otherwise than today. */
const renamed = (id: number): string => claude(id).replaceAll("_tokens", "Count");
test("a database is read on after a change and after a restart, and one that takes its place from the beginning", async (t) => {
  using one = home();
  one.wait(Date.parse("2026-11-20T12:00:00Z"));
  const file = ".local/share/opencode/opencode.db";
  const add = (id: number, output: number): void => {
    one.wait(1000);
    const db = openSqlite(one.file(file));
    db.exec(
      "CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, session_id TEXT, time_updated INTEGER, data TEXT)",
    );
    const data = {
      modelID: "m",
      providerID: "anthropic",
      time: { created: Date.parse("2026-11-20T11:00:00Z") },
      tokens: { input: 5, output },
    };
    const changedAt = Date.parse("2026-11-20T12:00:00Z") + id;
    db.prepare("INSERT OR REPLACE INTO message VALUES (?, 's1', ?, ?)").run(
      `m${id}`,
      changedAt,
      JSON.stringify(data),
    );
    db.close();
  };
  one.write(file, "");
  const known: Record<string, string> = {};
  for (const [id, output] of [
    [1, 3],
    [2, 4],
    [1, 9],
  ] as const) {
    add(id, output);
    t.like(await one.look(), { read: 1, failed: 0 });
    known[`opencode:m${id}`] = `m s1 5/${output}`;
    t.deepEqual(calls(one.ledger), known);
    one.restart();
    t.like(await one.look(), { read: 0 });
  }
  rmSync(one.file(file));
  one.write(file, "");
  add(3, 1);
  await one.look();
  t.deepEqual(calls(one.ledger), { ...known, "opencode:m3": "m s1 5/1" });
});

const drifts: [what: string, content: string, alarms: readonly (readonly [string, number, number])[]][] = [
  ["every answer is understood", Array.from({ length: 40 }, (_, id) => claude(id)).join(""), []],
  [
    "no answer gives usage any more",
    Array.from({ length: 40 }, (_, id) => renamed(id)).join(""),
    [["2.1.220", 40, 40]],
  ],
  ["a few answers give none", Array.from({ length: 19 }, (_, id) => renamed(id)).join(""), []],
  [
    "one answer in five has a usage of another shape",
    Array.from({ length: 150 }, (_, id) =>
      id % 5 === 0 ? claude(id).replace(/"id":"msg_\d+"/, `"_tokens":0`) : claude(id),
    ).join(""),
    [["2.1.220", 150, 30]],
  ],
];
for (const [what, content, alarms] of drifts) {
  test(`drift: ${what}`, async (t) => {
    using one = home();
    one.write(claudeLog, content);
    await one.look();
    const found = one.ledger.formats.alarms();
    t.deepEqual(
      found.map(({ toolVersion, seen, blank }) => [toolVersion, seen, blank]),
      alarms.map((alarm) => [...alarm]),
    );
  });
}

test("drift: answers and their usage that are read at different times are no alarm", async (t) => {
  using one = home();
  const answer = (second: number): string =>
    codex(second, "response_item", { type: "message", role: "assistant", content: [] });
  const count = (turn: number): string =>
    codex(turn, "event_msg", {
      type: "token_count",
      info: { total_token_usage: { input_tokens: turn * 100, output_tokens: turn * 10 } },
    });
  one.write(codexLog, codex(0, "session_meta", { id: "root", cli_version: "0.153.3" }));
  for (let turn = 1; turn <= 30; turn += 1) {
    for (const rows of [answer(turn), count(turn)]) {
      appendFileSync(one.file(codexLog), rows);
      await one.look();
    }
  }
  t.deepEqual(one.ledger.formats.alarms(), []);
  for (let turn = 1; turn <= 25; turn += 1) {
    appendFileSync(one.file(codexLog), answer(turn));
    await one.look();
  }
  t.like(one.ledger.formats.alarms()[0], { tool: "codex-cli", toolVersion: "0.153.3", blank: 25 });
});

test("drift: logs that were not understood whole are read again by another version of the agent, once", async (t) => {
  using folder = temporaryFolder();
  const machine = { home: folder.path, platform: "linux", env: {} } as const;
  const write = (name: string, content: string): void => {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), content);
  };
  write(claudeLog, claude(1) + claude(2).replace(`"id":"msg_2"`, `"_tokens":0`));
  write(claudeLog.replace("s1", "s2"), claude(3));
  write(codexLog, codex(0, "session_meta", { id: "root", cli_version: "0.153.3" }));
  const looks = async (agentVersion: string): Promise<readonly number[]> => {
    using ledger = openLedger(join(folder.path, "ledger.db"), { agentVersion });
    const counts: number[] = [];
    for (let start = 0; start < 2; start += 1) {
      const { read } = await createTail(machine, ledger, () => 0).look(signal);
      counts.push(read);
    }
    t.is(Object.keys(calls(ledger)).length, 2);
    return counts;
  };
  t.deepEqual(await looks("1.0.0"), [3, 0]);
  t.deepEqual(await looks("1.1.0"), [2, 0], "both logs of the tool");
  write(claudeLog, claude(1));
  t.deepEqual(await looks("1.1.0"), [1, 0]);
  const db = openSqlite(join(folder.path, "ledger.db"));
  db.exec("UPDATE format SET blank = 0");
  db.close();
  t.deepEqual(await looks("1.2.0"), [0, 0], "nothing where all was understood");
});

test("drift: a document that is written anew with every answer counts each of them once, and across restarts", async (t) => {
  using one = home();
  const file = ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/7/ui_messages.json";
  const request = (id: number, counts: object): readonly object[] => [
    { ts: 1_791_000_000_000 + id, say: "api_req_started", text: JSON.stringify(counts) },
    { say: "text", text: "yes" },
  ];
  const task: object[] = [];
  const ask = async (counts: object): Promise<void> => {
    task.push(...request(task.length, counts));
    // As the tool does it: beside the file, and then in its place.
    one.write(`${file}.new`, JSON.stringify(task));
    renameSync(one.file(`${file}.new`), one.file(file));
    t.like(await one.look(), { read: 1, broken: 0 });
    one.restart();
  };
  for (let turn = 1; turn <= 30; turn += 1) await ask({ tokensIn: 5, tokensOut: 3 });
  for (let turn = 1; turn <= 20; turn += 1) await ask({ inputCount: 5 });
  t.deepEqual(one.ledger.formats.alarms(), [], "the last request is still running");
  await ask({ inputCount: 5 });
  t.like(one.ledger.formats.alarms(), [{ tool: "cline", toolVersion: null, seen: 50, blank: 20 }]);
  t.is(one.ledger.logs.stamps().size, 1);
  one.write(file, JSON.stringify(task).slice(0, 99));
  t.like(await one.look(), { broken: 1 });
  await ask({ inputCount: 5 });
  t.like(one.ledger.formats.alarms(), [{ seen: 51, blank: 21 }]);
});

test("drift: documents of another layout are counted one by one", async (t) => {
  using one = home();
  const file = (id: number): string => `.local/share/amp/threads/T-${id}.json`;
  for (let id = 0; id < 20; id += 1) one.write(file(id), JSON.stringify({ id, turns: [id] }));
  await one.look();
  for (let id = 0; id < 20; id += 1) one.write(file(id), JSON.stringify({ id, turns: [id, "more"] }));
  await one.look();
  t.like(one.ledger.formats.alarms(), [{ tool: "amp", seen: 20, blank: 20 }]);
});

test("drift: a column that has another name is an alarm, once for every row, and across restarts", async (t) => {
  using one = home();
  one.wait(Date.parse("2026-11-20T12:00:00Z"));
  const file = ".copilot/session-store.db";
  one.write(file, "");
  const change = async (sql: string): Promise<void> => {
    const db = openSqlite(one.file(file));
    db.exec(sql);
    db.close();
    t.like(await one.look(), { read: 1, failed: 0 });
    one.restart();
  };
  const rows = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => copilotRequest(from + index)).join("");
  await change(copilotStore + rows(1, 31));
  t.deepEqual(one.ledger.formats.alarms(), []);
  await change("ALTER TABLE assistant_usage_events RENAME COLUMN output_tokens TO produced_tokens");
  t.like(one.ledger.formats.alarms(), [{ tool: "copilot-cli", seen: 60, blank: 30 }]);
  await change(rows(31, 33));
  await change("ALTER TABLE sessions ADD COLUMN branch TEXT");
  t.like(one.ledger.formats.alarms(), [{ tool: "copilot-cli", seen: 62, blank: 32 }]);
  t.is(Object.keys(calls(one.ledger)).length, 30);
  await change("ALTER TABLE assistant_usage_events RENAME COLUMN produced_tokens TO output_tokens");
  t.is(Object.keys(calls(one.ledger)).length, 32);
});
