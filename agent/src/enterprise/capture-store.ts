import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { newId } from "@flowstate/shared/ids";
import { openBox, sealBox } from "@flowstate/shared/sealed-box";
import { openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import { dayMs } from "@flowstate/shared/time";
import { destroyCaptureKey, openCaptureKey, readCaptureKey } from "./capture-key.ts";
import type { CallSummary, CallWords, KeptCall } from "./kept-call.ts";

export interface CaptureLimits {
  readonly retentionDays: number;
  /** Size of the database; what was kept first goes first. */
  readonly maxBytes: number;
}

/** Where the daemon keeps what was said in calls. */
export interface CaptureStore extends Disposable {
  /** All of them or none. */
  append(calls: readonly KeptCall[], now: number): void;
  /** Removes what is past its retention. */
  expire(now: number): void;
}

/** A kept call as a list shows it. */
export interface CaptureEntry extends CallSummary {
  readonly id: string;
  /** ISO 8601 in UTC. */
  readonly occurredAt: string;
}

export interface Capture extends CaptureEntry {
  readonly words: CallWords;
}

/** Only place and time stand there in clear text; the order of rows is that of their arrival, whatever the clock does. */
const schema = `
  CREATE TABLE IF NOT EXISTS capture (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    occurred_at INTEGER NOT NULL,
    summary BLOB NOT NULL,
    words BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS capture_occurred_at ON capture (occurred_at);
`;

/** The wire passes through the daemon: it never waits for a command that erases, but tries again later. */
const patienceMs = 20;
const mostLogBytes = 4 << 20;

export function captureFile(dataFolder: string): string {
  return join(dataFolder, "captures.db");
}

/** Opens the store of a data folder for writing, and makes it where there is none. */
export function openCaptures(dataFolder: string, { retentionDays, maxBytes }: CaptureLimits): CaptureStore {
  const db = openForWriting(dataFolder);
  db.pragma(`busy_timeout = ${patienceMs}`);
  const insert = db.prepare("INSERT INTO capture (id, occurred_at, summary, words) VALUES (?, ?, ?, ?)");
  const removeOldest = db.prepare("DELETE FROM capture WHERE arrival = (SELECT min(arrival) FROM capture)");
  const removeExpired = db.prepare("DELETE FROM capture WHERE occurred_at < ? OR occurred_at > ?");
  // Words from beyond tomorrow are of a clock that was wrong, and would otherwise never expire.
  const expire = (now: number): number => removeExpired.run(now - retentionDays * dayMs, now + dayMs).changes;
  const append = db.transaction((calls: readonly KeptCall[], now: number) => {
    const key = openCaptureKey(dataFolder);
    for (const { occurredAt, summary, words } of calls) {
      const id = newId(now);
      const seal = (part: Part, value: unknown): Buffer =>
        sealBox(Buffer.from(JSON.stringify(value)), key, placeOf(id, occurredAt, part));
      insert.run(id, occurredAt, seal("summary", summary), seal("words", words));
    }
    expire(now);
    while (usedBytes(db) > maxBytes && removeOldest.run().changes > 0);
  });
  return {
    // The key is read inside: a purge takes it away before it waits for the same lock.
    append: (calls, now) => append.immediate(calls, now),
    expire(now) {
      // The database's log holds what was written until it is begun anew.
      if (expire(now) > 0) db.pragma("wal_checkpoint(TRUNCATE)");
    },
    [Symbol.dispose]: () => void db.close(),
  };
}

function openForWriting(dataFolder: string): Sqlite {
  const file = captureFile(dataFolder);
  // SQLite's own files take the mode of the database.
  closeSync(openSync(file, "a", 0o600));
  const db = openSqlite(file);
  // What is removed is overwritten, not only forgotten.
  db.pragma("secure_delete = ON");
  db.pragma(`journal_size_limit = ${mostLogBytes}`);
  db.exec(schema);
  return db;
}

function usedBytes(db: Sqlite): number {
  const read = (name: string): number => Number(db.pragma(name, { simple: true }));
  return (read("page_count") - read("freelist_count")) * read("page_size");
}

type Part = "summary" | "words";

function placeOf(id: string, occurredAt: number, part: Part): string {
  return `capture|${id}|${occurredAt}|${part}`;
}

interface Row {
  readonly id: string;
  readonly occurred_at: number;
  readonly summary: Buffer;
  readonly words: Buffer;
}

/** The latest calls, newest first, and how many more of those looked at no key opens. */
export function listCaptures(
  dataFolder: string,
  limit: number,
): { readonly captures: readonly CaptureEntry[]; readonly unreadable: number } {
  const rows = readRows(dataFolder, "ORDER BY arrival DESC LIMIT ?", limit);
  const key = readCaptureKey(dataFolder);
  const captures = rows.flatMap((row) => entryOf(row, key) ?? []);
  return { captures, unreadable: rows.length - captures.length };
}

/** One call with its words. Throws FS_NOT_FOUND, also where its key is gone or it was changed. */
export function readCapture(dataFolder: string, id: string): Capture {
  const [row] = readRows(dataFolder, "WHERE id = ?", id);
  if (row === undefined) throw new FlowstateError("FS_NOT_FOUND", `nothing is kept under ${id.slice(0, 40)}`);
  const key = readCaptureKey(dataFolder);
  const entry = entryOf(row, key);
  const words = open(row, "words", key);
  if (entry === null || words === null)
    throw new FlowstateError("FS_NOT_FOUND", `${id} cannot be read: it was changed, or its key is gone`);
  return { ...entry, words: words as CallWords };
}

/** Erases all that is kept, beside a daemon that may go on; returns how many calls it was. */
export function purgeCaptures(dataFolder: string): number {
  // First, because on a full disk it is all that can be done, and it is enough.
  destroyCaptureKey(dataFolder);
  const file = captureFile(dataFolder);
  if (!existsSync(file)) return 0;
  const db = openUndamaged(dataFolder);
  if (db === null) {
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true });
    return 0;
  }
  try {
    const { changes } = db.prepare("DELETE FROM capture").run();
    db.exec("VACUUM");
    db.pragma("wal_checkpoint(TRUNCATE)");
    return changes;
  } finally {
    db.close();
  }
}

/** Null for a file that is no database any more. */
function openUndamaged(dataFolder: string): Sqlite | null {
  try {
    return openForWriting(dataFolder);
  } catch (error) {
    if (isFlowstateError(error) && error.code === "FS_FILE_CORRUPT") return null;
    throw error;
  }
}

function readRows(dataFolder: string, which: string, value: string | number): readonly Row[] {
  const file = captureFile(dataFolder);
  if (!existsSync(file)) return [];
  const db = openSqlite(file, { readOnly: true });
  try {
    // A daemon that is just starting has made the file, and nothing in it yet.
    if (db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'capture'").get() === undefined) return [];
    return db.prepare(`SELECT id, occurred_at, summary, words FROM capture ${which}`).all(value) as Row[];
  } finally {
    db.close();
  }
}

function entryOf(row: Row, key: Buffer | null): CaptureEntry | null {
  const summary = open(row, "summary", key);
  if (summary === null) return null;
  const occurredAt = new Date(row.occurred_at).toISOString();
  return { id: row.id, occurredAt, ...(summary as CallSummary) };
}

/** What was sealed is ours: it needs no checking once it opens. */
function open(row: Row, part: Part, key: Buffer | null): unknown {
  const clear = key === null ? null : openBox(row[part], key, placeOf(row.id, row.occurred_at, part));
  return clear === null ? null : JSON.parse(clear.toString("utf8"));
}
