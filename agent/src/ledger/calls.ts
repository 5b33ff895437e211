import { newUuid } from "@flowstate/shared/ids";
import type { Sqlite } from "@flowstate/shared/sqlite";
import { callOf, mergeCalls, type Call } from "../normalise/merge.ts";
import { endOf, pairCalls, pairKey, sameEndMs } from "../normalise/pair.ts";
import { captures, type Capture, type Sighting } from "../normalise/sighting.ts";

/** A call whose knowledge has changed since it was last told. */
export interface DueCall {
  readonly id: number;
  readonly call: Call;
  /** Revisions told so far. */
  readonly revision: number;
  /** What was told last, by its hash; null where nothing was. */
  readonly told: string | null;
}

/** Every call that was ever seen on this machine, under all its names. */
export interface CallTable {
  /** Takes what a source says, all of it or nothing. */
  note(sightings: readonly Sighting[], now: number): void;
  /**
   * Calls that have changed and have been left alone for `holdMs`, the oldest change first. By then every source has
   * had its say, so that calls without a common name are joined here and not as they arrive, whatever came first. A
   * change in the future was noted before the clock was set back, and waits no longer.
   */
  due(now: number, holdMs: number, limit: number): readonly DueCall[];
  /** The call was put into the outbox as it is now; or, with the revision it had, need not be. */
  told(id: number, hash: string, revision: number): void;
  /** The conversation of a call whose tool names none: calls of one tool and project with at most half an hour between. */
  sessionFor(id: number, place: { tool: string; project: string; occurredAt: number }): string;
  counts(): { readonly known: number; readonly untold: number };
}

export const callSchema = `
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
  CREATE TABLE IF NOT EXISTS call_account (
    pair_key TEXT NOT NULL,
    capture TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (pair_key, capture, ended_at, id)
  ) STRICT, WITHOUT ROWID;
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
/** Accounts of one source that are looked at around one moment; programs that repeat one small call make many. */
const mostNearby = 32;

interface CallRow {
  readonly id: number;
  readonly body: string;
  readonly changed_at: number | null;
  readonly revision: number;
  readonly told: string | null;
}

export function callTable(db: Sqlite): CallTable {
  const findName = db.prepare("SELECT id FROM call_name WHERE name = ?").pluck();
  const findCall = db.prepare("SELECT id, body, changed_at, revision, told FROM call WHERE id = ?");
  const addCall = db.prepare("INSERT INTO call (body, changed_at) VALUES (?, ?) RETURNING id").pluck();
  const setCall = db.prepare("UPDATE call SET body = ?, changed_at = ?, revision = ? WHERE id = ?");
  const dropCall = db.prepare("DELETE FROM call WHERE id = ?");
  const setName = db.prepare("INSERT OR REPLACE INTO call_name (name, id) VALUES (?, ?)");
  const addAccount = db.prepare(
    "INSERT OR IGNORE INTO call_account (pair_key, capture, ended_at, id) VALUES (?, ?, ?, ?)",
  );
  const nearby = db
    .prepare(
      "SELECT id FROM call_account WHERE pair_key = ? AND capture = ? AND ended_at BETWEEN ? AND ? LIMIT ?",
    )
    .pluck();
  const dueCalls = db.prepare(
    `SELECT id, body, changed_at, revision, told FROM call WHERE changed_at <= @until OR changed_at > @now
     ORDER BY changed_at, id LIMIT @limit`,
  );
  const setTold = db.prepare("UPDATE call SET changed_at = NULL, told = ?, revision = ? WHERE id = ?");
  const sessionOf = db.prepare("SELECT session FROM call WHERE id = ?").pluck();
  const setSession = db.prepare("UPDATE call SET session = ? WHERE id = ?");
  const openConversation = db
    .prepare(
      "SELECT session FROM conversation WHERE tool = ? AND project = ? AND first_at <= ? AND last_at >= ? LIMIT 1",
    )
    .pluck();
  const addConversation = db.prepare(
    "INSERT INTO conversation (tool, project, session, first_at, last_at) VALUES (?, ?, ?, ?, ?)",
  );
  const widen = db.prepare(
    "UPDATE conversation SET first_at = min(first_at, ?), last_at = max(last_at, ?) WHERE session = ?",
  );
  const count = db.prepare("SELECT count(*) AS known, count(changed_at) AS untold FROM call");

  const callRow = (id: number): CallRow | undefined => findCall.get(id) as CallRow | undefined;
  const index = (id: number, { names, sightings }: Call): void => {
    for (const name of names) setName.run(name, id);
    for (const sighting of Object.values(sightings)) {
      const key = pairKey(sighting);
      if (key !== null) addAccount.run(key, sighting.capture, endOf(sighting), id);
    }
  };
  /** Writes a call over the rows that it was until now; the oldest goes on. */
  const join = (rows: readonly CallRow[], call: Call, changedAt: number): void => {
    const [first, ...others] = rows.toSorted((a, b) => a.id - b.id);
    const body = JSON.stringify(call);
    if (first === undefined) return index(addCall.get(body, changedAt) as number, call);
    if (first.body === body) return;
    const revision = Math.max(...rows.map((row) => row.revision));
    setCall.run(body, changedAt, revision, first.id);
    for (const { id } of others) dropCall.run(id);
    index(first.id, call);
  };
  const changeOf = (rows: readonly CallRow[]): number | null =>
    rows.reduce<number | null>(
      (least, { changed_at: at }) => (least === null || (at !== null && at < least) ? at : least),
      null,
    );
  const noteOne = (sighting: Sighting, now: number): void => {
    const seen = callOf(sighting);
    const ids = new Set(seen.names.map((name) => findName.get(name) as number | undefined));
    const rows = [...ids].flatMap((id) => (id === undefined ? [] : (callRow(id) ?? [])));
    join(rows, rows.map(parse).reduce(mergeCalls, seen), changeOf(rows) ?? now);
  };
  /** Joins a call that is due with what other sources saw of it under other names. */
  const joinNearby = ({ id, body }: CallRow, now: number): void => {
    const ids = new Set<number>([id]);
    for (const sighting of Object.values((JSON.parse(body) as Call).sightings)) {
      const key = pairKey(sighting);
      if (key === null) continue;
      const at = endOf(sighting);
      const around = (capture: Capture, ms: number): readonly number[] =>
        nearby.all(key, capture, at - ms, at + ms, mostNearby) as number[];
      // Mostly one source alone has such a call, and there is nothing to join.
      const others = captures.filter((capture) => capture !== sighting.capture);
      if (others.every((capture) => around(capture, sameEndMs).length === 0)) continue;
      for (const one of captures.flatMap((capture) => around(capture, 2 * sameEndMs))) ids.add(one);
    }
    if (ids.size === 1) return;
    const rows = [...ids].flatMap((one) => callRow(one) ?? []);
    const calls = rows.map(parse);
    for (const group of pairCalls(calls)) {
      const members = group.flatMap((member) => rows[member] ?? []);
      join(members, members.map(parse).reduce(mergeCalls), changeOf(members) ?? now);
    }
  };

  return {
    note: db.transaction((sightings: readonly Sighting[], now: number) => {
      for (const sighting of sightings) noteOne(sighting, now);
    }),
    due: db.transaction((now: number, holdMs: number, limit: number) => {
      const which = { until: now - holdMs, now, limit };
      for (const row of dueCalls.all(which) as CallRow[]) joinNearby(row, now);
      return (dueCalls.all(which) as CallRow[]).map((row) => ({
        id: row.id,
        call: parse(row),
        revision: row.revision,
        told: row.told,
      }));
    }),
    told: (id, hash, revision) => void setTold.run(hash, revision, id),
    sessionFor: db.transaction((id: number, { tool, project, occurredAt }) => {
      const own = sessionOf.get(id) as string | null;
      if (own !== null) return own;
      const found = openConversation.get(tool, project, occurredAt + gapMs, occurredAt - gapMs) as
        | string
        | undefined;
      const session = found ?? newUuid();
      if (found === undefined) addConversation.run(tool, project, session, occurredAt, occurredAt);
      else widen.run(occurredAt, occurredAt, session);
      setSession.run(session, id);
      return session;
    }) as CallTable["sessionFor"],
    counts: () => count.get() as ReturnType<CallTable["counts"]>,
  };
}

function parse({ body }: CallRow): Call {
  return JSON.parse(body) as Call;
}
