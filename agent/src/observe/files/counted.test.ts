/** Answers in other programs' databases: each counted once, and what is lost where a layout is no longer understood. */
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { copilotRequest, copilotStore } from "../../../test/support/copilot-store.ts";
import { copilotCliStore } from "./copilot-cli.ts";
import { readDatabase, type Overlap } from "./database.ts";
import { opencode } from "./opencode.ts";
import type { DatabaseReader } from "./reader.ts";

const start = Date.parse("2026-11-20T12:00:00Z");
const narrow: Overlap = { rows: 1, ms: 5, mostAtOnce: 3 };
const layout = `CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER,
  data TEXT)`;

/** A database in which every answer has usage. */
function opencodeDatabase(file: string, answers: number): Sqlite {
  const db = openSqlite(file);
  db.exec(layout);
  const add = db.prepare("INSERT INTO message VALUES (?, 's', ?, ?, ?)");
  const data = JSON.stringify({ role: "assistant", ...finished, ...usage });
  for (let id = 1; id <= answers; id += 1) add.run(`m${id}`, start, start, data);
  return db;
}

function copilotDatabase(file: string, rows: number): Sqlite {
  const db = openSqlite(file);
  db.exec(copilotStore);
  for (let id = 1; id <= rows; id += 1) db.exec(copilotRequest(id));
  return db;
}

/** Reads a database again and again, each time from where the last reading stopped. */
function follow(reader: DatabaseReader, file: string, overlap?: Overlap, now = start) {
  let state: string | null = null;
  return () => {
    const slices = [...readDatabase(reader, file, state, now, overlap)];
    state = slices.at(-1)?.state ?? state;
    const formats = slices.flatMap((slice) => slice.formats);
    const sum = (of: "seen" | "blank"): number => formats.reduce((total, format) => total + format[of], 0);
    return {
      calls: slices.flatMap(({ sightings }) => sightings).length,
      seen: sum("seen"),
      blank: sum("blank"),
      versions: formats.map(({ toolVersion }) => toolVersion),
    };
  };
}

type Counts = readonly [seen: number, blank: number];

const usage = { tokens: { input: 5, output: 3, reasoning: 0, cache: { read: 0, write: 0 } } };
const nothing = { tokens: { input: 0, output: 0, reasoning: 0, cache: { read: 0, write: 0 } } };
const renamed = { usage: { input: 5, output: 3 } };
const ended = { time: { created: start, completed: start + 9 } };
const finished = { ...ended, finish: "stop" };
const running = { time: { created: start } };
/** What may stand in a row of OpenCode, and how it is counted: in its first generation, and in the second where it differs. */
const rows: readonly (readonly [what: string, data: object | Buffer, first: Counts, second?: Counts])[] = [
  ["an answer", { role: "assistant", ...finished, ...usage }, [1, 0]],
  ["an answer that goes on, with usage", { role: "assistant", ...running, ...usage }, [1, 0]],
  ["usage under another name", { role: "assistant", ...finished, ...renamed }, [1, 1]],
  [
    "usage under another name, of a build with other roles",
    { role: "model", ...ended, ...renamed },
    [1, 1],
    [0, 0],
  ],
  [
    "usage under another name, in an answer without a reason",
    { role: "assistant", ...ended, ...renamed },
    [1, 1],
    [0, 0],
  ],
  ["counts under another name", { role: "assistant", ...finished, tokens: { prompt: 5 } }, [1, 1]],
  ["an end under another name", { role: "assistant", ...running, finish: "stop", ...renamed }, [1, 1]],
  ["times under other names", { role: "assistant", at: start, finish: "stop", ...usage }, [1, 1]],
  ["text that is packed", Buffer.from("0123"), [1, 1]],
  ["a question", { role: "user", ...running }, [0, 0]],
  ["an answer that goes on", { role: "assistant", ...running, ...nothing }, [0, 0]],
  [
    "an answer that failed",
    { role: "assistant", ...ended, finish: "error", error: { type: "unknown" }, ...nothing },
    [0, 0],
  ],
  [
    "an answer that was cancelled",
    { role: "assistant", ...ended, error: { name: "MessageAbortedError" } },
    [0, 0],
  ],
  ["an answer of a provider that counts nothing", { role: "assistant", ...finished, ...nothing }, [0, 0]],
];
for (const [what, data, first, second = first] of rows) {
  test(`OpenCode, answers counted: ${what}`, (t) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "opencode.db");
    const db = openSqlite(file);
    db.exec(`${layout};
      CREATE TABLE session (id TEXT PRIMARY KEY, version TEXT);
      CREATE TABLE session_v2 (id TEXT PRIMARY KEY, directory TEXT, version TEXT);
      CREATE TABLE session_message (id TEXT PRIMARY KEY, session_id TEXT, type TEXT, time_updated INTEGER, data TEXT);
      INSERT INTO session VALUES ('s', '1.2.3');
      INSERT INTO session_v2 VALUES ('s', '/src', '2.0.1')`);
    const text = Buffer.isBuffer(data) ? data : JSON.stringify(data);
    const read = follow(opencode, file);
    db.prepare("INSERT INTO message VALUES ('m', 's', 1, 1, ?)").run(text);
    t.like(read(), { seen: first[0], blank: first[1], versions: first[0] === 0 ? [] : ["1.2.3"] });
    t.like(read(), { seen: 0, blank: 0 });
    // The second generation names the kind of a row beside it.
    const type = "role" in data && data.role === "user" ? "user" : "assistant";
    db.prepare("INSERT INTO session_message VALUES ('n', 's', ?, 1, ?)").run(type, text);
    t.like(read(), { seen: second[0], blank: second[1], versions: second[0] === 0 ? [] : ["2.0.1"] });
    t.like(read(), { seen: 0, blank: 0 });
    db.close();
  });
}

test("an answer on its way is counted once it is finished, after whatever came meanwhile, and only then", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "opencode.db");
  const db = opencodeDatabase(file, 0);
  const read = follow(opencode, file, narrow);
  const write = (id: string, at: number, data: object): void => {
    db.prepare("INSERT OR REPLACE INTO message (rowid, id, time_updated, data) VALUES (?, ?, ?, ?)").run(
      Number(id.slice(1)),
      id,
      at,
      JSON.stringify({ role: "assistant", ...data }),
    );
  };
  write("m1", start, { ...running, ...nothing });
  t.like(read(), { seen: 0 });
  for (let id = 2; id <= 9; id += 1) write(`m${id}`, start, { ...finished, ...usage });
  t.like(read(), { seen: 8, blank: 0 });
  write("m1", start + 1, { ...finished, ...renamed });
  t.like(read(), { seen: 1, blank: 1 });
  write("m1", start + 2, { ...finished, ...renamed, cost: 1 });
  t.like(read(), { seen: 0 });
  db.close();
});

test("a table that has shrunk is read again and not counted again", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "session-store.db");
  const db = copilotDatabase(file, 10);
  const read = follow(copilotCliStore, file);
  t.like(read(), { calls: 10, seen: 10 });
  db.exec("DELETE FROM assistant_usage_events WHERE id > 7");
  t.like(read(), { calls: 7, seen: 0 });
  db.exec(copilotRequest(8));
  t.like(read(), { calls: 8, seen: 1 });
  db.close();
});

test("of answers that never end, the latest are waited for", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "opencode.db");
  const db = opencodeDatabase(file, 300);
  db.exec(`UPDATE message SET data = '${JSON.stringify({ role: "assistant", ...running })}'`);
  const read = follow(opencode, file);
  t.like(read(), { seen: 0 });
  const data = JSON.stringify({ role: "assistant", ...finished, ...usage });
  db.prepare("UPDATE message SET time_updated = ?, data = ?").run(start + 1, data);
  t.like(read(), { calls: 300, seen: 200 });
  db.close();
});

/** What an update of a tool may do to its database of 30 answers, and what is then counted: if it was read before, and if not. */
const updates: readonly (readonly [
  what: string,
  reader: DatabaseReader,
  sql: string,
  later: Counts,
  first: Counts,
])[] = [
  [
    "a column has another name",
    opencode,
    "ALTER TABLE message RENAME COLUMN data TO body",
    [30, 30],
    [30, 30],
  ],
  ["the table has another name", opencode, "ALTER TABLE message RENAME TO messages", [30, 30], [20, 20]],
  [
    "another table that is read takes its place",
    opencode,
    `DROP TABLE message; CREATE TABLE session_v2 (id TEXT, directory TEXT);
     CREATE TABLE session_message (id TEXT, session_id TEXT, type TEXT, time_updated INTEGER, data TEXT)`,
    [0, 0],
    [0, 0],
  ],
  [
    "the time of change has another name",
    opencode,
    "ALTER TABLE message RENAME COLUMN time_updated TO at",
    [0, 0],
    [30, 0],
  ],
  [
    "a column is gone",
    copilotCliStore,
    "ALTER TABLE assistant_usage_events DROP COLUMN cache_read_tokens",
    [30, 30],
    [30, 30],
  ],
  [
    "a column has another name",
    copilotCliStore,
    "ALTER TABLE assistant_usage_events RENAME COLUMN input_tokens TO i",
    [30, 30],
    [30, 30],
  ],
  [
    "a column is no longer filled",
    copilotCliStore,
    "UPDATE assistant_usage_events SET input_tokens = NULL",
    [0, 0],
    [30, 30],
  ],
  [
    "the sessions have another name",
    copilotCliStore,
    "ALTER TABLE sessions RENAME TO conversations",
    [30, 30],
    [30, 30],
  ],
  [
    "the table has another name",
    copilotCliStore,
    "ALTER TABLE assistant_usage_events RENAME TO usage",
    [30, 30],
    [0, 0],
  ],
];
for (const [what, reader, sql, later, first] of updates) {
  for (const [when, [seen, blank]] of [
    ["after it was read", later],
    ["before it is first read", first],
  ] as const) {
    test(`${reader.tool}: ${what}, ${when}`, (t) => {
      using folder = temporaryFolder();
      const file = join(folder.path, "tool.db");
      const db = reader === opencode ? opencodeDatabase(file, 30) : copilotDatabase(file, 30);
      db.exec("CREATE TABLE IF NOT EXISTS migration (id)");
      const read = follow(reader, file);
      if (when === "after it was read") t.like(read(), { seen: 30, blank: 0 });
      db.exec(sql);
      t.like(read(), { seen, blank });
      t.like(read(), { seen: 0, blank: 0 });
      db.close();
    });
  }
}

test("rows that cannot be read are counted as they come, and are read as soon as they can be", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "session-store.db");
  const db = copilotDatabase(file, 25);
  const read = follow(copilotCliStore, file, narrow);
  t.is(read().calls, 25);
  db.exec("ALTER TABLE assistant_usage_events RENAME COLUMN model TO name");
  t.is(read().blank, 25);
  db.exec(copilotRequest(26));
  t.is(read().blank, 1);
  db.exec("ALTER TABLE assistant_usage_events RENAME COLUMN name TO model");
  t.like(read(), { calls: 2, seen: 1, blank: 0 });
  db.close();
});

const young: readonly (readonly [what: string, reader: DatabaseReader, sql: string])[] = [
  ["it is empty", opencode, ""],
  ["it is just being made", opencode, "CREATE TABLE migration (id)"],
  [
    "its second generation has not begun",
    opencode,
    `${layout}; CREATE TABLE session (id TEXT);
     CREATE TABLE session_message (id TEXT, session_id TEXT, type TEXT, data TEXT);
     INSERT INTO session_message VALUES ('m', 's', 'assistant', '{"role":"assistant"}')`,
  ],
  [
    "it is older than the table of usage",
    copilotCliStore,
    "CREATE TABLE sessions (id, cwd); CREATE TABLE turns (id)",
  ],
];
for (const [what, reader, sql] of young) {
  test(`${reader.tool}: nothing is lost where ${what}`, (t) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "tool.db");
    const db = openSqlite(file);
    db.exec(sql);
    t.like(follow(reader, file)(), { calls: 0, seen: 0 });
    db.close();
  });
}

test("whatever stands in a row, it is read without throwing", (t) => {
  const cell = fc.oneof(fc.jsonValue(), fc.constantFrom(usage.tokens, ended.time));
  const data = fc.dictionary(fc.constantFrom("role", "time", "tokens", "error", "finish", "model"), cell);
  const row = fc.dictionary(
    fc.constantFrom("id", "session_id", "data", "created_at", "input_tokens", "output_tokens", "cwd"),
    fc.oneof(
      fc.string(),
      fc.double(),
      fc.constant(null),
      data.map((value) => JSON.stringify(value)),
    ),
  );
  fc.assert(
    fc.property(row, (given) => {
      for (const table of [...opencode.tables, ...copilotCliStore.tables]) {
        t.notThrows(() => [table.read(given), table.silence(given)]);
      }
    }),
    { numRuns: 500 },
  );
});
