import { newUuid } from "@flowstate/shared/ids";
import type { Sqlite } from "@flowstate/shared/sqlite";
import { callOf, mergeCalls, type Call } from "../normalise/merge.ts";
import { endOf, pairCalls, pairKey, sameEndMs } from "../normalise/pair.ts";
import { loggingTools } from "../observe/files/sources.ts";
import { captures, type Capture, type Sighting } from "../normalise/sighting.ts";
import { settledNames } from "./settled.ts";

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
  /**
   * Settles calls that were told and of which nothing new was heard since `before`, at most `limit` of them: their names
   * are remembered and the rest is let go. Telemetry and the wire speak as a call happens, but a log may be read for the
   * first time years later. So a call stays whole as long as its tool keeps a log and none has told of it yet: that
   * account may share no name with it. Returns how many were settled.
   */
  settle(before: number, limit: number): number;
  counts(): { readonly known: number; readonly untold: number };
}

export const callSchema = `
  CREATE TABLE IF NOT EXISTS call (
    id INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    settles INTEGER NOT NULL,
    changed_at INTEGER,
    revision INTEGER NOT NULL DEFAULT 0,
    told TEXT,
    session TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS call_changed ON call (changed_at) WHERE changed_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS call_settles ON call (seen_at) WHERE settles = 1 AND changed_at IS NULL;
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
  const addCall = db
    .prepare(
      `INSERT INTO call (body, seen_at, settles, changed_at) VALUES (@body, @seenAt, @settles, @changedAt)
       RETURNING id`,
    )
    .pluck();
  const setCall = db.prepare(
    `UPDATE call SET body = @body, seen_at = @seenAt, settles = @settles, changed_at = @changedAt,
       revision = @revision WHERE id = @id`,
  );
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

  const settled = settledNames(db);
  const settling = db.prepare(
    `SELECT id, body, changed_at, revision, told FROM call
     WHERE settles = 1 AND changed_at IS NULL AND seen_at < ? ORDER BY seen_at LIMIT ?`,
  );
  const dropName = db.prepare("DELETE FROM call_name WHERE name = ?");
  const dropAccount = db.prepare(
    "DELETE FROM call_account WHERE pair_key = ? AND capture = ? AND ended_at = ? AND id = ?",
  );
  const callRow = (id: number): CallRow | undefined => findCall.get(id) as CallRow | undefined;
  const index = (id: number, call: Call): void => {
    for (const name of call.names) setName.run(name, id);
    for (const { key, capture, endedAt } of accountsOf(call)) addAccount.run(key, capture, endedAt, id);
  };
  /** Writes a call over the rows that it was until now; the oldest goes on. */
  const join = (rows: readonly CallRow[], call: Call, now: number): void => {
    const [first, ...others] = rows.toSorted((a, b) => a.id - b.id);
    const changedAt = changeOf(rows) ?? now;
    const row = { body: JSON.stringify(call), seenAt: now, settles: settles(call) ? 1 : 0, changedAt };
    if (first === undefined) return index(addCall.get(row) as number, call);
    if (first.body === row.body) return;
    const revision = Math.max(...rows.map((each) => each.revision));
    setCall.run({ ...row, revision, id: first.id });
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
    if (rows.length === 0 && seen.names.some(settled.has)) return settled.add(seen.names);
    join(rows, rows.map(parse).reduce(mergeCalls, seen), now);
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
      join(members, members.map(parse).reduce(mergeCalls), now);
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
    settle: db.transaction((before: number, limit: number) => {
      const rows = settling.all(before, limit) as CallRow[];
      for (const row of rows) {
        const call = parse(row);
        settled.add(call.names);
        for (const name of call.names) dropName.run(name);
        for (const { key, capture, endedAt } of accountsOf(call)) {
          dropAccount.run(key, capture, endedAt, row.id);
        }
        dropCall.run(row.id);
      }
      return rows.length;
    }),
    counts: () => count.get() as ReturnType<CallTable["counts"]>,
  };
}

/** By what an account of another source, which shares no name with the call, may find it. */
function accountsOf({ sightings }: Call) {
  return Object.values(sightings).flatMap((sighting) => {
    const key = pairKey(sighting);
    return key === null ? [] : [{ key, capture: sighting.capture, endedAt: endOf(sighting) }];
  });
}

/** Whether no account of the call can be missing that shares no name with it. */
function settles({ sightings }: Call): boolean {
  const known = Object.values(sightings);
  return sightings["session-log"] !== undefined || !known.some(({ tool }) => loggingTools.has(tool));
}

function parse({ body }: CallRow): Call {
  return JSON.parse(body) as Call;
}
