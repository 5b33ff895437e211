import { openSqlite } from "@flowstate/shared/sqlite";
import { newUuid } from "@flowstate/shared/ids";
import { callOf, mergeCalls, type Call } from "../normalise/merge.ts";
import type { Sighting } from "../normalise/sighting.ts";

/** A call whose knowledge has changed since it was last told. */
export interface DueCall {
  readonly id: number;
  readonly call: Call;
  /** Revisions told so far. */
  readonly revision: number;
  /** What was told last, by its hash; null where nothing was. */
  readonly told: string | null;
}

/**
 * Every call that was ever seen on this machine, under all its names. It, and not the logs, is the truth: a tool that
 * deletes or rewrites its logs changes nothing here, and a log read twice adds nothing.
 */
export interface Ledger extends Disposable {
  /** Whether a log stands as it did when it was last read. */
  isRead(path: string, state: string): boolean;
  /** Takes what a log says and that it was read, together. */
  noteLog(path: string, state: string, sightings: readonly Sighting[], now: number): void;
  note(sightings: readonly Sighting[], now: number): void;
  /** Calls that have changed and have been left alone for `holdMs`, the oldest change first. */
  due(now: number, holdMs: number, limit: number): readonly DueCall[];
  /** The call was put into the outbox as it is now; or, with the revision it had, need not be. */
  told(id: number, hash: string, revision: number): void;
  /** The conversation of a call whose tool names none: calls of one tool and project with at most half an hour between. */
  sessionFor(id: number, place: { tool: string; project: string; occurredAt: number }): string;
  counts(): { readonly known: number; readonly untold: number };
}

const schema = `
  CREATE TABLE IF NOT EXISTS log (path TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    changed_at INTEGER,
    revision INTEGER NOT NULL DEFAULT 0,
    told TEXT,
    session TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS call_changed ON call (changed_at) WHERE changed_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS call_name (name TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS conversation (
    tool TEXT NOT NULL,
    project TEXT NOT NULL,
    session TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (session)
  ) STRICT, WITHOUT ROWID;
`;

const gapMs = 30 * 60_000;

interface CallRow {
  readonly id: number;
  readonly body: string;
  readonly changed_at: number | null;
  readonly revision: number;
  readonly told: string | null;
}

export function openLedger(file: string): Ledger {
  const db = openSqlite(file, {});
  db.exec(schema);
  const readLog = db.prepare("SELECT state FROM log WHERE path = ?").pluck();
  const writeLog = db.prepare("INSERT OR REPLACE INTO log (path, state) VALUES (?, ?)");
  const findName = db.prepare("SELECT id FROM call_name WHERE name = ?").pluck();
  const findCall = db.prepare("SELECT id, body, changed_at, revision, told FROM call WHERE id = ?");
  const addCall = db.prepare("INSERT INTO call (body, changed_at) VALUES (?, ?) RETURNING id").pluck();
  const setCall = db.prepare("UPDATE call SET body = ?, changed_at = ?, revision = ? WHERE id = ?");
  const dropCall = db.prepare("DELETE FROM call WHERE id = ?");
  const setName = db.prepare("INSERT OR REPLACE INTO call_name (name, id) VALUES (?, ?)");
  const dueCalls = db.prepare(
    "SELECT id, body, revision, told FROM call WHERE changed_at <= ? ORDER BY changed_at, id LIMIT ?",
  );
  const setTold = db.prepare("UPDATE call SET changed_at = NULL, told = ?, revision = ? WHERE id = ?");
  const sessionOf = db.prepare("SELECT session FROM call WHERE id = ?").pluck();
  const setSession = db.prepare("UPDATE call SET session = ? WHERE id = ?");
  const nearby = db
    .prepare(
      "SELECT session FROM conversation WHERE tool = ? AND project = ? AND first_at <= ? AND last_at >= ? LIMIT 1",
    )
    .pluck();
  const addSession = db.prepare(
    "INSERT INTO conversation (tool, project, session, first_at, last_at) VALUES (?, ?, ?, ?, ?)",
  );
  const widen = db.prepare(
    "UPDATE conversation SET first_at = min(first_at, ?), last_at = max(last_at, ?) WHERE session = ?",
  );
  const count = db.prepare("SELECT count(*) AS known, count(changed_at) AS untold FROM call");

  const noteOne = (sighting: Sighting, now: number): void => {
    const seen = callOf(sighting);
    const ids = [
      ...new Set(seen.names.flatMap((name) => (findName.get(name) as number | undefined) ?? [])),
    ].sort((a, b) => a - b);
    const known = ids.flatMap((id) => (findCall.get(id) as CallRow | undefined) ?? []);
    const [first, ...others] = known;
    const merged = known.reduce((call, { body }) => mergeCalls(JSON.parse(body) as Call, call), seen);
    const body = JSON.stringify(merged);
    if (first === undefined) {
      const id = addCall.get(body, now) as number;
      for (const name of merged.names) setName.run(name, id);
      return;
    }
    if (first.body === body) return;
    const revision = Math.max(...known.map((row) => row.revision));
    setCall.run(body, first.changed_at ?? now, revision, first.id);
    for (const { id } of others) dropCall.run(id);
    for (const name of merged.names) setName.run(name, first.id);
  };
  const noteAll = db.transaction((sightings: readonly Sighting[], now: number) => {
    for (const sighting of sightings) noteOne(sighting, now);
  });
  const noteRead = db.transaction(
    (path: string, state: string, sightings: readonly Sighting[], now: number) => {
      noteAll(sightings, now);
      writeLog.run(path, state);
    },
  );

  return {
    isRead: (path, state) => readLog.get(path) === state,
    noteLog: noteRead,
    note: noteAll,
    due: (now, holdMs, limit) =>
      (dueCalls.all(now - holdMs, limit) as CallRow[]).map(({ id, body, revision, told }) => ({
        id,
        call: JSON.parse(body) as Call,
        revision,
        told,
      })),
    told: (id, hash, revision) => void setTold.run(hash, revision, id),
    sessionFor: db.transaction((id: number, { tool, project, occurredAt }) => {
      const own = sessionOf.get(id) as string | null;
      if (own !== null) return own;
      const found = nearby.get(tool, project, occurredAt + gapMs, occurredAt - gapMs) as string | undefined;
      const session = found ?? newUuid();
      if (found === undefined) addSession.run(tool, project, session, occurredAt, occurredAt);
      else widen.run(occurredAt, occurredAt, session);
      setSession.run(session, id);
      return session;
    }) as Ledger["sessionFor"],
    counts: () => count.get() as ReturnType<Ledger["counts"]>,
    [Symbol.dispose]: () => void db.close(),
  };
}
