/**
 * `node agent/bench/opencode.ts`: what a change costs in an OpenCode database of 100,000 messages, read whole and read
 * on, into a ledger that knows its calls already.
 *
 * Measured on 2 shared, busy cores: 0.8 s whole once every call is known (1.5 s the first time), 0.04 s read on.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openSqlite } from "@flowstate/shared/sqlite";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { openLedger } from "../src/ledger/ledger.ts";
import { readDatabase } from "../src/observe/files/database.ts";
import { opencode } from "../src/observe/files/opencode.ts";

const count = 100_000;
const start = Date.parse("2026-08-01T00:00:00Z");
const filler = "x".repeat(700);

using folder = temporaryFolder();
using ledger = openLedger(join(folder.path, "ledger.db"));
const file = join(folder.path, "opencode.db");
const db = openSqlite(file);
db.exec(`CREATE TABLE session (id TEXT PRIMARY KEY, version TEXT);
  CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT)`);
const addSession = db.prepare("INSERT OR IGNORE INTO session VALUES (?, '1.15.10')");
const add = db.prepare("INSERT INTO message VALUES (?, ?, ?, ?, ?)");
db.transaction(() => {
  for (let id = 0; id < count; id += 1) addMessage(id);
})();

let state: string | null = null;
let now = start + count * 60_000;
report("whole, the first time", read(null));
report("whole, once it is known", read(null));
addMessage(count);
report("read on after a new message", read(state));
report("read on after nothing", read(state));

function addMessage(id: number): void {
  const at = start + id * 60_000;
  const data = {
    role: id % 2 === 0 ? "user" : "assistant",
    modelID: "claude-sonnet-5",
    providerID: "anthropic",
    time: { created: at, completed: at + 4000 },
    path: { cwd: `/home/ada/src/project-${id % 30}`, root: "/" },
    summary: filler,
    ...(id % 2 === 0
      ? {}
      : {
          tokens: {
            input: 400 + (id % 997),
            output: id % 3001,
            reasoning: 0,
            cache: { read: 20_000, write: 0 },
          },
        }),
  };
  addSession.run(`ses_${Math.floor(id / 40)}`);
  add.run(
    `msg_${id.toString(36).padStart(26, "0")}`,
    `ses_${Math.floor(id / 40)}`,
    at,
    at,
    JSON.stringify(data),
  );
}

/** Milliseconds in all, and of the longest slice, in which nothing else has its turn. */
function read(from: string | null): {
  readonly allMs: number;
  readonly longestMs: number;
  readonly calls: number;
} {
  let [allMs, longestMs, calls] = [0, 0, 0];
  let began = performance.now();
  for (const slice of readDatabase(opencode, file, from, (now += 60_000))) {
    ledger.calls.note(slice.sightings, now);
    ledger.formats.add("session-log", slice.formats, now);
    calls += slice.sightings.length;
    state = slice.state;
    const tookMs = performance.now() - began;
    allMs += tookMs;
    longestMs = Math.max(longestMs, tookMs);
    began = performance.now();
  }
  return { allMs, longestMs, calls };
}

function report(what: string, { allMs, longestMs, calls }: ReturnType<typeof read>): void {
  process.stdout.write(
    `${what}: ${calls} calls in ${allMs.toFixed(0)} ms, the longest slice ${longestMs.toFixed(0)} ms\n`,
  );
}
