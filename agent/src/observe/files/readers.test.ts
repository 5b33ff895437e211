import test from "ava";
import fc from "fast-check";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { readOutput } from "../../normalise/merge.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { packedCalls } from "../../scan/packed-calls.ts";
import { discover } from "./discover.ts";
import { forMarkedLines, wholeFile } from "./lines.ts";
import { readLog, readSlice } from "./read.ts";
import type { DocumentReader, LineReader } from "./reader.ts";
import { amp } from "./amp.ts";
import { claudeCode } from "./claude-code.ts";
import { clineCli, clineTask } from "./cline.ts";
import { codexCli } from "./codex-cli.ts";
import { copilotCliEvents } from "./copilot-cli.ts";
import { fields } from "./json.ts";
import { geminiCli, geminiCliDocument } from "./gemini-cli.ts";
import { sourcesOf } from "./sources.ts";

/** Every call of a home folder, once. */
async function callsIn(home: string): Promise<Sighting[]> {
  const calls = packedCalls();
  for (const file of discover(sourcesOf({ home, platform: "linux", env: {} }))) {
    await readLog(file, calls.add);
  }
  return [...calls.calls()];
}

function sums(
  calls: readonly Sighting[],
): readonly [calls: number, input: number, output: number, read: number, write: number] {
  const sum = (of: (call: Sighting) => number | null): number =>
    calls.reduce((total, call) => total + (of(call) ?? 0), 0);
  return [
    calls.length,
    sum(({ tokens }) => tokens.input),
    sum((call) => readOutput(call).output),
    sum(({ tokens }) => tokens.cacheRead),
    sum(({ tokens }) => (tokens.cacheWrite5m ?? 0) + (tokens.cacheWrite1h ?? 0)),
  ];
}

const time = (second: number): string =>
  new Date(Date.parse("2026-10-03T09:00:00Z") + second * 1000).toISOString();

interface ClaudeRow {
  readonly id: string;
  readonly output: number;
  readonly stop?: string;
  readonly session?: string;
  readonly text?: string;
  readonly sidechain?: boolean;
  readonly request?: string;
  readonly model?: string;
  readonly extra?: object;
}

function claudeRow(
  second: number,
  { id, output, stop, session, text, sidechain, request, model, extra }: ClaudeRow,
): object {
  return {
    type: "assistant",
    timestamp: time(second),
    sessionId: session ?? "s1",
    version: "2.1.220",
    cwd: "/src/api",
    isSidechain: sidechain ?? false,
    requestId: request ?? `req_${id}`,
    uuid: `u-${id}-${second}`,
    message: {
      id,
      model: model ?? "claude-sonnet-4-5",
      stop_reason: stop ?? null,
      content: [{ type: "text", text: text ?? "yes" }],
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 100,
        cache_creation_input_tokens: 20,
        output_tokens: output,
        ...extra,
      },
    },
  };
}

const codexMeta = (id: string, extra: object = {}): object => ({
  timestamp: time(0),
  type: "session_meta",
  payload: {
    id,
    cwd: "/src/api",
    originator: "codex_cli_rs",
    cli_version: "0.153.3",
    model_provider: "openai",
    ...extra,
  },
});
const codexTurn = {
  timestamp: time(0),
  type: "turn_context",
  payload: { model: "gpt-5.6", cwd: "/src/api" },
};
const codexUsage = (input: number, cached: number, output: number): object => ({
  input_tokens: input,
  cached_input_tokens: cached,
  output_tokens: output,
  reasoning_output_tokens: 0,
  total_tokens: input + output,
});
const counter = (second: number, total: object, last: object): object => ({
  timestamp: time(second),
  type: "event_msg",
  payload: {
    type: "token_count",
    info: { total_token_usage: total, last_token_usage: last },
    rate_limits: null,
  },
});
const codexRecord = (second: number, thread: string, response: string, usage: object): object => ({
  timestamp: time(second),
  type: "token_usage_record",
  payload: { thread_id: thread, turn_id: "t1", response_id: response, usage },
});
const codexThread = [
  codexMeta("root"),
  codexTurn,
  counter(10, codexUsage(100, 40, 5), codexUsage(100, 40, 5)),
  counter(20, codexUsage(300, 140, 15), codexUsage(200, 100, 10)),
];
const claudeFile = ".claude/projects/-src-api/s1.jsonl";
const codexFile = ".codex/sessions/2026/10/03/rollout-2026-10-03T09-00-00-root.jsonl";

type Files = Readonly<Record<string, readonly object[]>>;

const cases: [what: string, files: Files, expected: ReturnType<typeof sums>][] = [
  [
    "Claude Code: rows of one answer are one call",
    { [claudeFile]: [claudeRow(1, { id: "msg_1", output: 30 }), claudeRow(2, { id: "msg_1", output: 30 })] },
    [1, 10, 30, 100, 20],
  ],
  [
    "Claude Code: the last word of a growing count wins",
    {
      [claudeFile]: [
        claudeRow(1, { id: "msg_1", output: 3 }),
        claudeRow(2, { id: "msg_1", output: 90, stop: "end_turn" }),
      ],
    },
    [1, 10, 90, 100, 20],
  ],
  [
    "Claude Code: a resumed conversation repeats its calls under another session and request",
    {
      [claudeFile]: [claudeRow(1, { id: "msg_1", output: 30 })],
      ".claude/projects/-src-api/s2.jsonl": [
        claudeRow(1, { id: "msg_1", output: 30, session: "s2", request: "req_other" }),
      ],
    },
    [1, 10, 30, 100, 20],
  ],
  [
    "Claude Code: rows of zeros before the real one count nothing",
    {
      [claudeFile]: [
        claudeRow(1, {
          id: "msg_1",
          output: 0,
          extra: { input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
        }),
        claudeRow(2, { id: "msg_1", output: 30 }),
      ],
    },
    [1, 10, 30, 100, 20],
  ],
  [
    "Claude Code: errors and synthetic messages are no calls",
    {
      [claudeFile]: [
        claudeRow(1, { id: "msg_1", output: 1, model: "<synthetic>" }),
        { ...claudeRow(2, { id: "msg_2", output: 1 }), isApiErrorMessage: true },
      ],
    },
    [0, 0, 0, 0, 0],
  ],
  [
    "Claude Code: an advisor's tokens come on top",
    {
      [claudeFile]: [
        claudeRow(1, {
          id: "msg_1",
          output: 30,
          extra: {
            iterations: [
              { type: "message" },
              { type: "advisor_message", model: "claude-opus-5", input_tokens: 7, output_tokens: 9 },
            ],
          },
        }),
      ],
    },
    [2, 17, 39, 100, 20],
  ],
  [
    "Claude Code: unexpected nulls leave the rest standing",
    {
      [claudeFile]: [
        claudeRow(1, {
          id: "msg_1",
          output: 30,
          extra: { cache_read_input_tokens: null, server_tool_use: null },
        }),
      ],
    },
    [1, 10, 30, 0, 20],
  ],
  ["Codex: counters grow, and each growth is a call", { [codexFile]: codexThread }, [2, 160, 15, 140, 0]],
  [
    "Codex: a counter said twice is one call",
    { [codexFile]: [...codexThread, counter(21, codexUsage(300, 140, 15), codexUsage(200, 100, 10))] },
    [2, 160, 15, 140, 0],
  ],
  [
    "Codex: a record and a counter of one response are one call",
    {
      [codexFile]: [
        codexMeta("root"),
        codexTurn,
        counter(10, codexUsage(100, 40, 5), codexUsage(100, 40, 5)),
        codexRecord(11, "root", "resp_1", codexUsage(100, 40, 5)),
      ],
    },
    [1, 60, 5, 40, 0],
  ],
  [
    "Codex: records of other threads belong to those threads",
    {
      [codexFile]: [
        codexMeta("root"),
        codexTurn,
        codexRecord(1, "other", "resp_0", codexUsage(9, 0, 9)),
        codexRecord(11, "root", "resp_1", codexUsage(100, 40, 5)),
      ],
    },
    [1, 60, 5, 40, 0],
  ],
  [
    "Codex: a fork replays its parent, and only its own work counts",
    {
      [codexFile]: codexThread,
      ".codex/sessions/2026/10/03/rollout-2026-10-03T10-00-00-fork.jsonl": [
        codexMeta("fork", { forked_from_id: "root" }),
        codexMeta("root"),
        codexTurn,
        counter(0.1, codexUsage(100, 40, 5), codexUsage(100, 40, 5)),
        counter(0.2, codexUsage(300, 140, 15), codexUsage(200, 100, 10)),
        counter(30, codexUsage(350, 150, 20), codexUsage(50, 10, 5)),
      ],
    },
    [3, 200, 20, 150, 0],
  ],
  [
    "Codex: a subagent that begins without a replay counts from its first response",
    {
      [codexFile]: [
        codexMeta("sub", { source: { subagent: { thread_spawn: { parent_thread_id: "root" } } } }),
        codexTurn,
        counter(9, codexUsage(100, 40, 5), codexUsage(100, 40, 5)),
      ],
    },
    [1, 60, 5, 40, 0],
  ],
  [
    "Codex: an archived copy is the same thread",
    {
      [codexFile]: codexThread,
      ".codex/archived_sessions/rollout-2026-10-03T09-00-00-root.jsonl": codexThread,
    },
    [2, 160, 15, 140, 0],
  ],
  [
    "Gemini CLI: a message written again is an update, a rewind refunds nothing",
    {
      ".gemini/tmp/api/chats/session-2026-10-03T09-00-aa.jsonl": [
        { sessionId: "g1", projectHash: "h", startTime: time(0), kind: "main" },
        { id: "m1", timestamp: time(1), type: "gemini", model: "gemini-2.5-pro", content: "" },
        {
          id: "m1",
          timestamp: time(1),
          type: "gemini",
          model: "gemini-2.5-pro",
          tokens: { input: 100, output: 10, cached: 60, thoughts: 5, tool: 3, total: 118 },
        },
        { $rewindTo: "m1" },
      ],
    },
    [1, 43, 15, 60, 0],
  ],
  [
    "Copilot CLI: running sums count once, by their growth",
    {
      ".copilot/session-state/c1/events.jsonl": [
        { type: "session.start", timestamp: time(0), data: { sessionId: "c1", context: { cwd: "/src" } } },
        {
          type: "session.shutdown",
          timestamp: time(1),
          data: {
            modelMetrics: {
              "gpt-5.6": {
                usage: { inputTokens: 100, outputTokens: 10, cacheReadTokens: 60, cacheWriteTokens: 0 },
              },
            },
          },
        },
        {
          type: "session.shutdown",
          timestamp: time(9),
          data: {
            modelMetrics: {
              "gpt-5.6": {
                usage: { inputTokens: 150, outputTokens: 12, cacheReadTokens: 70, cacheWriteTokens: 0 },
              },
            },
          },
        },
      ],
    },
    [2, 80, 12, 70, 0],
  ],
];
for (const [what, files, expected] of cases) {
  test(what, async (t) => {
    using folder = temporaryFolder();
    for (const [file, rows] of Object.entries(files)) write(join(folder.path, file), jsonl(rows));
    t.deepEqual(sums(await callsIn(folder.path)), expected);
  });
}

test("Claude Code: a placeholder beside a long answer gives way to an estimate, and says so", async (t) => {
  using folder = temporaryFolder();
  const text = "A parser returns a value or a reason, and never throws. ".repeat(40);
  write(
    join(folder.path, claudeFile),
    jsonl([claudeRow(1, { id: "msg_1", output: 2, text }), claudeRow(2, { id: "msg_1", output: 2 })]),
  );
  const [call] = await callsIn(folder.path);
  const read = call === undefined ? null : readOutput(call);
  t.is(read?.trust, "estimated");
  // The text is 521 tokens by o200k.
  t.true((read?.output ?? 0) > 390 && (read?.output ?? 0) < 650, String(read?.output));
});

test("Codex: a compressed rollout counts like a plain one, in one frame or several", async (t) => {
  using folder = temporaryFolder();
  const text = jsonl(codexThread);
  const half = text.indexOf("\n") + 20;
  const frames = [text.slice(0, half), text.slice(half)].map((part) => zstdCompressSync(Buffer.from(part)));
  write(join(folder.path, `${codexFile}.zst`), Buffer.concat(frames));
  t.deepEqual(sums(await callsIn(folder.path)), [2, 160, 15, 140, 0]);
});

test("OpenCode: rows of both layouts are one list of messages", async (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, ".local/share/opencode/opencode.db");
  write(file, "");
  const db = openSqlite(file);
  db.exec(`
    CREATE TABLE message (id TEXT, session_id TEXT, data TEXT);
    CREATE TABLE session_v2 (id TEXT, directory TEXT);
    CREATE TABLE session_message (id TEXT, session_id TEXT, type TEXT, data TEXT);`);
  const old = {
    role: "assistant",
    modelID: "claude-sonnet-4-5",
    providerID: "anthropic",
    time: { created: Date.parse(time(1)) },
    tokens: { input: 393, output: 202, reasoning: 516, cache: { read: 9728, write: 0 } },
    cost: 0,
  };
  const fresh = {
    model: { id: "gpt-5.6", providerID: "openai" },
    time: { created: Date.parse(time(2)) },
    tokens: { input: 5, output: 6, reasoning: 1, cache: { read: 2, write: 0 } },
  };
  db.prepare("INSERT INTO message VALUES (?, ?, ?)").run("m1", "s1", JSON.stringify(old));
  db.prepare("INSERT INTO session_message VALUES (?, ?, ?, ?)").run(
    "m1",
    "s1",
    "assistant",
    JSON.stringify(old),
  );
  db.prepare("INSERT INTO session_message VALUES (?, ?, ?, ?)").run(
    "m2",
    "s2",
    "assistant",
    JSON.stringify(fresh),
  );
  t.deepEqual(sums(await callsIn(folder.path)), [2, 398, 725, 9730, 0]);
  db.close();
});

test("a last line without an end waits; a broken line between good ones is counted and passed over", async (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, claudeFile);
  const rows = [claudeRow(1, { id: "msg_1", output: 30 }), claudeRow(2, { id: "msg_2", output: 30 })].map(
    (row) => JSON.stringify(row),
  );
  write(file, `${rows[0]}\n{"usage":{"input_tokens":1,\n${rows[1]}`);
  const [found] = discover(sourcesOf({ home: folder.path, platform: "linux", env: {} }));
  const before: Sighting[] = [];
  const reading = found === undefined ? null : await readLog(found, (sighting) => before.push(sighting));
  t.is(before.length, 1);
  t.is(reading?.broken, 1);
  appendFileSync(file, "\n");
  t.is((await callsIn(folder.path)).length, 2);
});

test("marked lines are found whatever their length and however the file is cut into chunks", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "log");
  const line = fc.tuple(fc.constantFrom(0, 1, 50, 300_000, 1_100_000), fc.boolean());
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), (lines, ended) => {
      const texts = lines.map(
        ([length, marked]) => "x".repeat(length) + (marked ? '_tokens"' : "") + "y".repeat(length),
      );
      writeFileSync(file, texts.join("\n") + (ended && texts.length > 0 ? "\n" : ""));
      const found: string[] = [];
      const { offset } = forMarkedLines(file, wholeFile, ['_tokens"'], (buffer, start, end) => {
        found.push(buffer.toString("latin1", start, end));
      });
      const whole = ended ? texts : texts.slice(0, -1);
      t.deepEqual(
        found,
        whole.filter((text) => text.includes("_tokens")),
      );
      t.is(
        offset,
        whole.reduce((sum, text) => sum + text.length + 1, 0),
      );
    }),
    { numRuns: 40 },
  );
});

const genuine: [reader: LineReader, rows: readonly object[]][] = [
  [
    claudeCode,
    [claudeRow(1, { id: "msg_1", output: 30, extra: { iterations: [{ type: "advisor_message" }] } })],
  ],
  [codexCli, [...codexThread, codexRecord(30, "root", "resp_1", codexUsage(100, 40, 5))]],
  [
    geminiCli,
    [
      { sessionId: "g" },
      { id: "m", timestamp: time(1), model: "m", tokens: { input: 9, output: 1, cached: 2 } },
    ],
  ],
  [
    copilotCliEvents,
    [
      {
        type: "session.shutdown",
        timestamp: time(1),
        data: { modelMetrics: { m: { usage: { inputTokens: 9, outputTokens: 1 } } } },
      },
    ],
  ],
];
for (const [reader, rows] of genuine) {
  test(`${reader.tool}: whatever stands in place of any field, it neither throws nor counts less than nothing`, (t) => {
    t.true(readAll(reader, rows).length > 0);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.array(fc.nat(), { maxLength: 6 }), fc.jsonValue()), { maxLength: 4 }),
        (changes) => {
          const changed = changes.reduce<unknown>(
            (all, [row, way, junk]) => replaceAt(all, [row, ...way], junk),
            rows,
          );
          for (const sighting of readAll(reader, Array.isArray(changed) ? changed : [])) {
            for (const count of Object.values(sighting.tokens)) t.true(count === null || count >= 0);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
}

test("copilot-cli: a model that is called as a member of every object is counted like any other", (t) => {
  const shutdown = (inputTokens: number) => ({
    type: "session.shutdown",
    timestamp: "2026-11-20T08:00:00.000Z",
    data: {
      modelMetrics: JSON.parse(
        `{"__proto__":{"usage":{"inputTokens":${inputTokens},"outputTokens":1}}}`,
      ) as object,
    },
  });
  const seen = readAll(copilotCliEvents, [shutdown(5), shutdown(8)]);
  t.deepEqual(
    seen.map(({ tokens }) => tokens.input),
    [5, 3],
  );
});

const cline = clineTask("cline");
const request = (second: number, text: object): object => ({
  ts: Date.parse(time(second)),
  type: "say",
  say: "api_req_started",
  text: JSON.stringify({ request: "…", ...text }),
});
const said = (say: string): object => ({ type: "say", say, text: "…" });
const counted = { tokensIn: 100, tokensOut: 10, cacheWrites: 0, cacheReads: 60, cost: 0.01 };
const uncounted = { inputCount: 100, outputCount: 10 };

const clineCliMessage = (role: string, more: object = {}): object => ({
  role,
  content: [{ type: "text", text: "…" }],
  ts: Date.parse(time(1)),
  ...more,
});
const metrics = { metrics: { inputTokens: 100, outputTokens: 10 } };

const thread = (more: object): object => ({
  id: "T-1",
  env: { initial: { platform: { clientVersion: "0.0.1759" } } },
  ...more,
});
const ampUsage = { usage: { model: "claude-x", timestamp: time(1), inputTokens: 100, outputTokens: 10 } };
const ampMessage = (state: string, more: object = {}): object => ({
  role: "assistant",
  messageId: 1,
  content: [],
  state: { type: state },
  ...more,
});
const charged = (tokens: object): object => ({ id: "e1", timestamp: time(1), model: "claude-x", ...tokens });

const geminiMessage = (type: string, more: object = {}): object => ({
  id: "m1",
  timestamp: time(1),
  type,
  content: "…",
  ...more,
});
const geminiTokens = { model: "gemini-x", tokens: { input: 100, output: 10, cached: 0 } };
const recording = (...messages: readonly object[]): object => ({ sessionId: "g1", messages });

/** Documents, and how many answers in them are counted: all, and those without usage. */
const answers: readonly (readonly [
  reader: DocumentReader,
  what: string,
  document: unknown,
  counts: readonly [seen: number, blank: number],
])[] = [
  [cline, "requests with counts", [request(1, counted), said("text"), request(2, counted)], [2, 0]],
  [cline, "a free model", [request(1, { ...counted, tokensIn: 0, tokensOut: 0 }), said("text")], [1, 0]],
  [
    cline,
    "counts under other names, the last of them still to come",
    [request(1, uncounted), said("text"), request(2, uncounted), said("tool"), request(3, uncounted)],
    [2, 2],
  ],
  [
    cline,
    "a request that is no JSON",
    [{ ...request(1, {}), text: "…" }, said("tool"), request(2, counted)],
    [2, 1],
  ],
  [
    cline,
    "requests that were cancelled or failed",
    [
      request(1, { cancelReason: "user_cancelled" }),
      said("text"),
      request(2, { streamingFailedMessage: "503" }),
      said("text"),
      request(3, {}),
      said("api_req_retried"),
      said("error"),
      request(4, {}),
      said("user_feedback"),
      request(5, counted),
    ],
    [1, 0],
  ],
  [cline, "a list that has moved", { messages: [request(1, counted)] }, [1, 1]],
  [cline, "no list yet", {}, [0, 0]],
  [cline, "an empty list", [], [0, 0]],
  [
    clineCli,
    "answers with counts",
    { messages: [clineCliMessage("user"), clineCliMessage("assistant", metrics)] },
    [1, 0],
  ],
  [
    clineCli,
    "counts under other names, the last of them still to come",
    [clineCliMessage("assistant", { usage: {} }), clineCliMessage("user"), clineCliMessage("assistant")],
    [1, 1],
  ],
  [
    clineCli,
    "an answer without a word",
    [clineCliMessage("assistant", { content: [] }), clineCliMessage("user")],
    [0, 0],
  ],
  [clineCli, "a list that has moved", { history: [clineCliMessage("assistant", metrics)] }, [1, 1]],
  [
    amp,
    "charged events",
    thread({ messages: [], usageLedger: { events: [charged({ tokens: { input: 9, output: 1 } })] } }),
    [1, 0],
  ],
  [
    amp,
    "charged events of another shape",
    thread({ usageLedger: { events: [charged({ units: 10 }), { id: "credit" }] } }),
    [1, 1],
  ],
  [amp, "answers with counts", thread({ messages: [ampMessage("complete", ampUsage)] }), [1, 0]],
  [
    amp,
    "answers of which only a complete one should have counts",
    thread({
      messages: [
        { role: "user" },
        ...["complete", "streaming", "cancelled", "error"].map((state) => ampMessage(state)),
      ],
    }),
    [1, 1],
  ],
  [amp, "a list that has moved", thread({ turns: [ampMessage("complete", ampUsage)] }), [1, 1]],
  [amp, "a thread that has just begun", thread({ messages: [] }), [0, 0]],
  [
    geminiCliDocument,
    "a turn in two messages, of which one has counts",
    recording(
      geminiMessage("user"),
      geminiMessage("gemini", geminiTokens),
      geminiMessage("gemini"),
      geminiMessage("user"),
    ),
    [1, 0],
  ],
  [
    geminiCliDocument,
    "counts under other names, the last of them still to come",
    recording(geminiMessage("gemini", { usage: {} }), geminiMessage("user"), geminiMessage("gemini")),
    [1, 1],
  ],
  [
    geminiCliDocument,
    "turns that broke off",
    recording(
      ...["error", "info", "warning"].flatMap((type) => [
        geminiMessage("gemini"),
        geminiMessage(type),
        geminiMessage("user"),
      ]),
    ),
    [0, 0],
  ],
  [geminiCliDocument, "a list that has moved", { sessionId: "g1", turns: [] }, [1, 1]],
  [geminiCliDocument, "no object any more", [geminiMessage("gemini", geminiTokens)], [1, 1]],
];
for (const [reader, what, document, [seen, blank]] of answers) {
  test(`${reader.tool}, answers counted: ${what}`, (t) => {
    const reading = reader.read(document, "/tasks/7/log.json");
    t.deepEqual(reading.answers, { seen, blank });
    t.is(reading.toolVersion, reader === amp ? "0.0.1759" : null);
  });
}

for (const reader of [cline, clineCli, amp, geminiCliDocument]) {
  test(`${reader.tool}: whatever stands in a document, no call is less than nothing and no answer counted twice`, (t) => {
    const genuine = answers.flatMap(([other, , document]) => (other === reader ? [document] : []));
    const changed = fc
      .tuple(fc.constantFrom(...genuine), fc.array(fc.nat(), { maxLength: 8 }), fc.jsonValue())
      .map(([document, way, junk]) => replaceAt(document, way, junk));
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), changed), (document) => {
        const { sightings, answers: counts } = reader.read(document, "/tasks/7/log.json");
        for (const sighting of sightings) {
          for (const count of Object.values(sighting.tokens)) t.true(count === null || count >= 0);
        }
        t.true(counts.blank >= 0 && counts.blank <= counts.seen);
        t.true(counts.seen - counts.blank <= sightings.length);
      }),
      { numRuns: 1000 },
    );
  });
}

function readAll(reader: LineReader, rows: readonly unknown[]): readonly Sighting[] {
  const state = reader.start("file");
  return rows.flatMap((row) => reader.read(fields(row), state));
}

/** The value with what lies at the end of the way replaced; each step picks one of the keys there are. */
function replaceAt(value: unknown, [step, ...rest]: readonly number[], junk: unknown): unknown {
  if (step === undefined || typeof value !== "object" || value === null) return junk;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return junk;
  const inner = replaceAt((value as Record<string, unknown>)[key], rest, junk);
  return Array.isArray(value) ? value.with(Number(key), inner) : { ...value, [key]: inner };
}

function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

function write(file: string, content: string | Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

test("a row of Claude Code says the same without the content that says nothing", (t) => {
  const tricky = fc.constantFrom(
    "stop_reason",
    "content",
    '],"stop_reason":',
    ',"content":[',
    "\\",
    '"',
    "é",
  );
  const text = fc.array(fc.oneof(tricky, fc.string())).map((parts) => parts.join(""));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.integer(),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(fc.oneof(tricky, fc.string()), tie("tree"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  const block = fc.oneof(
    fc.record({ type: fc.constant("text"), text }, { noNullPrototype: true }),
    fc.record({ type: fc.constant("tool_use"), id: text, input: tree }, { noNullPrototype: true }),
    tree,
  );
  let brief = 0;
  fc.assert(
    fc.property(fc.array(block, { maxLength: 4 }), fc.nat(200), tree, (content, output, more) => {
      const row = claudeRow(1, { id: "msg_1", output });
      const message = { ...fields(fields(row)["message"]), content };
      // In the order in which the tool writes: content, then why it stopped, then usage.
      const { stop_reason: stopReason, usage, ...head } = message as Record<string, unknown>;
      const whole = { ...row, message: { ...head, stop_reason: stopReason, more, usage } };
      const bytes = Buffer.from(`first\n${JSON.stringify(whole)}\nlast`);
      const read = claudeCode.skim?.().brief(bytes, 6, bytes.length - 5) ?? null;
      if (read === null) return;
      brief += 1;
      t.deepEqual(claudeCode.read(read, {}), claudeCode.read(fields(JSON.parse(JSON.stringify(whole))), {}));
    }),
    { numRuns: 2000 },
  );
  t.true(brief > 500, `${brief} rows of 2000 were read without their content`);
});

test("rows of Claude Code that repeat an account tell what they tell when each is read", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "s1.jsonl");
  const block = fc.record(
    {
      answer: fc.constantFrom(0, 0, 0, 1, 2),
      output: fc.constantFrom(1, 40, 40, 40, 41),
      text: fc.integer({ min: 0, max: 140 }).map((length) => "x".repeat(length)),
      stop: fc.constantFrom(null, null, "end_turn"),
      suffix: fc.constantFrom({}, {}, { more: 1 }),
    },
    { noNullPrototype: true },
  );
  let repetitions = 0;
  fc.assert(
    fc.property(fc.array(block, { maxLength: 12 }), (blocks) => {
      const rows = blocks.map(({ answer, output, text, stop, suffix }, index) => ({
        parentUuid: `u-${index}`,
        cwd: "/src/api",
        sessionId: "s1",
        version: "2.1.220",
        ...(answer === 2 ? { isApiErrorMessage: true } : {}),
        message: {
          model: "claude-sonnet-4-5",
          id: `msg_${answer}`,
          role: "assistant",
          content: [{ type: "text", text }],
          stop_reason: stop,
          usage: { input_tokens: 10, output_tokens: output },
        },
        requestId: `req_${answer}`,
        type: "assistant",
        uuid: `u-${1000 + index}`,
        timestamp: time(index),
        ...suffix,
      }));
      write(file, jsonl(rows));
      const { skim, ...plain } = claudeCode;
      const counting = (): ReturnType<NonNullable<typeof skim>> => {
        const begun = skim?.();
        if (begun === undefined) throw new Error("bug: Claude Code's rows are read in full");
        const isRepetition: typeof begun.isRepetition = (...line) => {
          const is = begun.isRepetition(...line);
          repetitions += is ? 1 : 0;
          return is;
        };
        return { ...begun, isRepetition };
      };
      t.deepEqual(readWith({ ...plain, skim: counting }, file), readWith(plain, file));
    }),
    { numRuns: 500 },
  );
  t.true(repetitions > 50, `${repetitions} rows were passed over`);
});

function readWith(reader: LineReader, file: string): readonly unknown[] {
  const calls = packedCalls();
  const { broken, formats } = readSlice(file, reader, { offset: 0, state: null }, Infinity, calls.add);
  return [broken, formats, [...calls.calls()]];
}
