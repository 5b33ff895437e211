import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodBounds, periodOf, periodOfDate, type Period } from "@flowstate/shared/time";
import { shippedPrices } from "@flowstate/shared/prices/book";
import { recordAudit } from "../audit/record.ts";
import { isClosed } from "../ledger/period.ts";
import { postCorrections, postRow } from "../ledger/post.ts";
import { scheduleJob } from "../store/jobs.ts";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Store, Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { reconcileJobs } from "./act.ts";
import type { Match, ObservedFact } from "./facts.ts";
import {
  billFactOf,
  firstMonthOf,
  loadKeyUsers,
  loadLines,
  loadObserved,
  loadPeople,
  matchedFacts,
  matchUses,
  type KeyUsers,
  type StandingLine,
} from "./load.ts";
import { exchange, figuresOf, type Figures } from "./figures.ts";
import { lockReconciliation } from "./lock.ts";
import { matchFacts } from "./match.ts";
import { billedLineOf, keepFigures, lastBillAt, observedUsageOf } from "./month.ts";
import { scoreOf } from "./score.ts";
import { isDecided, type Status } from "./status.ts";

export interface RunReport {
  readonly period: Period;
  readonly rows: number;
  readonly matches: number;
  /** Rows whose status or match is another than before. */
  readonly changed: number;
}

/** Vendors and devices may disagree about the day; so many days of the neighbouring months are looked at. */
const edgeMs = 2 * dayMs;
/** Rows of one statement, and people matched at once: as many as stay small in memory. */
const atOnce = 2000;
const peopleAtOnce = 200;

/**
 * Matches a month's lines anew, in one transaction. What a person has decided stays, with the whole match it rests on;
 * the same facts give the same matches, so that a second run changes nothing.
 */
export async function reconcilePeriod(
  store: Store,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
): Promise<RunReport> {
  return store.transact(async (db) => {
    await lockReconciliation(db, orgId);
    await returnDeferred(db, orgId, now);
    const corrections = await postCorrections(db, { orgId, period, now });
    if (await isClosed(db, orgId, period)) {
      const late = await moveLateRows(db, { orgId, period, now });
      return { period, rows: 0, matches: 0, changed: corrections + late };
    }
    const run = await beginRun(db, store.engine, { orgId, period, now });
    const tally = { rows: 0, matches: 0, changed: corrections, figures: figuresOf([], [], shippedPrices()) };
    const none = tally.figures;
    const left: ObservedFact[] = [];
    const count = ({ lines, matches, changed, figures }: Matched): void => {
      tally.rows += lines;
      tally.matches += matches;
      tally.changed += changed;
      tally.figures = exchange(tally.figures, none, figures);
    };
    for (let at = 0; at < run.people.length; at += peopleAtOnce) {
      const subjects = run.people.slice(at, at + peopleAtOnce);
      const matched = await matchSome(db, run, {
        lines: await loadLines(db, orgId, period, { subjects }),
        observed: await loadObserved(db, orgId, run.seen, subjects),
        keep: run.unnamed.length > 0,
      });
      count(matched);
      left.push(...matched.left);
    }
    count(await matchSome(db, run, { lines: run.unnamed, observed: left, keep: false }));
    await keepFigures(db, { orgId, period, now }, tally.figures);
    return { period, rows: tally.rows, matches: tally.matches, changed: tally.changed };
  });
}

interface Run {
  readonly orgId: OrgId;
  readonly period: Period;
  readonly now: number;
  readonly engine: Engine;
  /** Everybody who is on the month's bills or was seen about it. */
  readonly people: readonly string[];
  /** Lines that name nobody: they are compared with what all the others leave. */
  readonly unnamed: readonly StandingLine[];
  /** Matches that confirmed rows rest on. */
  readonly frozen: ReadonlySet<string>;
  readonly replaceable: ReadonlySet<string>;
  /** The match of each fact that this run may not use. */
  readonly taken: ReadonlyMap<string, string>;
  readonly keyUsers: KeyUsers;
  readonly seen: { readonly from: number; readonly until: number };
}

/** Reads what the whole run needs, and drops the matches that it may not find again person by person. */
async function beginRun(
  db: Writer,
  engine: Engine,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
): Promise<Run> {
  const unnamed = await loadLines(db, orgId, period, { subjects: null });
  const uses = await matchUses(db, orgId, period);
  const frozen = new Set(uses.flatMap(({ confirmed, matchId }) => (confirmed ? [matchId] : [])));
  const all = await matchesOf(db, orgId, period, frozen);
  const refound = new Set(uses.map(({ matchId }) => matchId)).difference(
    new Set(unnamed.flatMap(({ match_id }) => match_id ?? [])),
  );
  await dropMatches(db, orgId, all.difference(refound));
  // A row that was deferred into this month was used, and perhaps seen, in an earlier one.
  const first = await firstMonthOf(db, orgId, period);
  const seen = { from: periodBounds(first).from - edgeMs, until: periodBounds(period).to + edgeMs };
  const replaceable = all.intersection(refound);
  const held = await matchedFacts(db, orgId, { first, last: period });
  return {
    orgId,
    period,
    now,
    engine,
    people: await loadPeople(db, orgId, period, seen),
    unnamed,
    frozen,
    replaceable,
    taken: new Map([...held].filter(([, matchId]) => !replaceable.has(matchId))),
    keyUsers: await loadKeyUsers(db, orgId, { first, last: period }),
    seen,
  };
}

interface Matched {
  readonly lines: number;
  readonly matches: number;
  readonly changed: number;
  readonly figures: Figures;
  /** What no line explains, where the caller keeps it for later. */
  readonly left: readonly ObservedFact[];
}

/** Matches some people's lines with their facts and stores where they stand. Matches never reach beyond them. */
async function matchSome(
  db: Writer,
  run: Run,
  {
    lines,
    observed,
    keep,
  }: { lines: readonly StandingLine[]; observed: readonly ObservedFact[]; keep: boolean },
): Promise<Matched> {
  const { orgId, period, now, engine, frozen, replaceable, taken } = run;
  const open = lines.filter(
    ({ status, match_id }) => !isDecided(status) && (match_id === null || !frozen.has(match_id)),
  );
  const matches = matchFacts(
    open.flatMap((line) => billFactOf(line, run.keyUsers) ?? []),
    observed.filter(({ factId }) => !taken.has(factId)),
  ).map((match) => ({ id: matchIdOf(match), match }));
  const found = new Set(matches.map(({ id }) => id));
  const before = new Set(lines.flatMap(({ match_id }) => match_id ?? [])).intersection(replaceable);
  await dropMatches(db, orgId, before.difference(found));
  await storeMatches(
    db,
    engine,
    { orgId, period, now },
    matches.filter(({ id }) => !before.has(id)),
  );
  const standing = standings(lines, open, matches);
  const changed = await storeStandings(db, engine, { orgId, now }, open, standing);
  const used = new Map(matches.flatMap(({ id, match }) => match.factIds.map((factId) => [factId, id])));
  const matchOf = (factId: string): string | null => used.get(factId) ?? taken.get(factId) ?? null;
  const own = new Set(standing.map(({ match_id }) => match_id));
  const [settled, left] = keep
    ? [
        observed.filter(({ factId }) => own.has(matchOf(factId) ?? "")),
        observed.filter(({ factId }) => !own.has(matchOf(factId) ?? "")),
      ]
    : [observed, []];
  const figures = figuresOf(
    standing.map(billedLineOf),
    settled
      .filter(({ day }) => periodOfDate(day) === period)
      .map((fact) => observedUsageOf(fact, matchOf(fact.factId), lastBillAt(period, now))),
    shippedPrices(),
  );
  return { lines: lines.length, matches: matches.length, changed, figures, left };
}

/** A row deferred into a month that has come stands in its queue again. */
async function returnDeferred(db: Writer, orgId: OrgId, now: number): Promise<void> {
  const returned = await db
    .updateTable("reconciliation_rows")
    .set((row) => ({
      status: "unreconciled",
      period: row.ref("deferred_to").$notNull(),
      deferred_to: null,
      match_id: null,
      version: row("version", "+", 1n),
      updated_at: now,
    }))
    .where("org_id", "=", orgId)
    .where("status", "=", "deferred")
    .where("deferred_to", "<=", periodOf(now))
    .returning(["row_id", "period"])
    .execute();
  for (const { row_id, period } of returned.toSorted((a, b) => (a.row_id < b.row_id ? -1 : 1))) {
    await recordAudit(db, {
      orgId,
      at: now,
      actor: "reconciler",
      action: "reconciliation.returned",
      target: row_id,
      detail: `deferred -> unreconciled in ${period}`,
    });
    await postRow(db, { orgId, rowId: row_id, kind: "reversal", actor: "reconciler", now });
  }
}

/** Lines that came for a month after it was closed stand in the current month's queue. */
async function moveLateRows(
  db: Writer,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
): Promise<number> {
  const current = periodOf(now);
  const late = await loadLines(db, orgId, period);
  const fresh = late.filter(({ version }) => version === 0n);
  for (const { row_id } of fresh) {
    await db
      .insertInto("reconciliation_rows")
      .values({
        org_id: orgId,
        row_id,
        period: current,
        status: "unreconciled",
        version: 1n,
        match_id: null,
        note: null,
        deferred_to: null,
        confirmed_nano_usd: null,
        updated_at: now,
      })
      .execute();
    await recordAudit(db, {
      orgId,
      at: now,
      actor: "reconciler",
      action: "reconciliation.late",
      target: row_id,
      detail: `${period} is closed: in the queue of ${current}`,
    });
  }
  if (fresh.length > 0) await scheduleJob(db, orgId, `${reconcileJobs}${current}`, now);
  return fresh.length;
}

/** The month's matches that a run may replace. */
async function matchesOf(
  db: Writer,
  orgId: OrgId,
  period: Period,
  frozen: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("reconciliation_matches")
    .select("match_id")
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .execute();
  return new Set(rows.map(({ match_id }) => match_id)).difference(frozen);
}

async function dropMatches(db: Writer, orgId: OrgId, gone: ReadonlySet<string>): Promise<void> {
  const all = [...gone];
  for (let at = 0; at < all.length; at += 500) {
    const ids = all.slice(at, at + 500);
    for (const table of ["matched_facts", "reconciliation_matches"] as const) {
      await db.deleteFrom(table).where("org_id", "=", orgId).where("match_id", "in", ids).execute();
    }
  }
}

interface NamedMatch {
  readonly id: string;
  readonly match: Match;
}

/** The same match keeps its id, so that a run over the same facts writes nothing. */
function matchIdOf({ rowIds, factIds, rule, billed, observed, evidence, outcome }: Match): string {
  const parts = [rowIds.toSorted(), factIds.toSorted(), rule, outcome, String(billed), String(observed)];
  return createHash("sha256")
    .update(JSON.stringify([...parts, scoreOf(evidence)]))
    .digest("hex")
    .slice(0, 32);
}

async function storeMatches(
  db: Writer,
  engine: Engine,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
  matches: readonly NamedMatch[],
): Promise<void> {
  for (let at = 0; at < matches.length; at += atOnce) {
    const some = matches.slice(at, at + atOnce);
    await insert(
      db,
      engine,
      orgId,
      "reconciliation_matches",
      {
        match_id: "text",
        period: "text",
        rule: "text",
        billed_nano_usd: "integer",
        observed_nano_usd: "integer",
        ambiguous: "integer",
        evidence: "text",
        shares: "text",
        matched_at: "integer",
      },
      some.map(({ id, match }) => [
        id,
        period,
        match.rule,
        match.billed,
        match.observed,
        match.ambiguous ? 1n : 0n,
        JSON.stringify(match.evidence),
        JSON.stringify(match.shares.map(({ rowId, subject, amount }) => [rowId, subject, String(amount)])),
        now,
      ]),
    );
    await insert(
      db,
      engine,
      orgId,
      "matched_facts",
      { fact_id: "text", match_id: "text" },
      some.flatMap(({ id, match }) => match.factIds.map((factId) => [factId, id])),
    );
  }
}

const standingColumns = {
  row_id: "text",
  period: "text",
  status: "text",
  version: "integer",
  match_id: "text",
  updated_at: "integer",
} as const;

/** Every line with where it stands after the run; decided ones stand as before. */
function standings(
  lines: readonly StandingLine[],
  open: readonly StandingLine[],
  matches: readonly NamedMatch[],
): readonly StandingLine[] {
  const matchOf = new Map<string, { readonly status: Status; readonly match_id: string }>();
  for (const { id, match } of matches) {
    for (const rowId of match.rowIds) matchOf.set(rowId, { status: match.outcome, match_id: id });
  }
  const changeable = new Set(open);
  const unmatched = { status: "unreconciled", match_id: null } as const;
  return lines.map((line) =>
    changeable.has(line) ? { ...line, ...(matchOf.get(line.row_id) ?? unmatched) } : line,
  );
}

/** Writes where open rows stand now; those that stand as before are left alone. */
async function storeStandings(
  db: Writer,
  engine: Engine,
  { orgId, now }: { readonly orgId: OrgId; readonly now: number },
  open: readonly StandingLine[],
  standing: readonly StandingLine[],
): Promise<number> {
  const before = new Map(open.map((line) => [line.row_id, line]));
  const changes = standing.flatMap(({ row_id, period, status, match_id, version }) => {
    const old = before.get(row_id);
    const same = old === undefined || (version > 0n && old.status === status && old.match_id === match_id);
    return same ? [] : [[row_id, period, status, version + 1n, match_id, now]];
  });
  await upsertStandings(db, engine, orgId, changes);
  return changes.length;
}

async function upsertStandings(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  values: readonly (readonly (string | number | bigint | null)[])[],
): Promise<void> {
  const list = sql.join(Object.keys(standingColumns).map((name) => sql.id(name)));
  for (let at = 0; at < values.length; at += atOnce) {
    const part = jsonRows(engine, standingColumns, values.slice(at, at + atOnce));
    await sql`INSERT INTO reconciliation_rows (org_id, ${list}) SELECT ${orgId}, ${list} FROM ${part} AS given WHERE TRUE
      ON CONFLICT (org_id, row_id) DO UPDATE SET status = excluded.status, version = excluded.version,
        match_id = excluded.match_id, updated_at = excluded.updated_at`.execute(db);
  }
}

async function insert(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  table: "reconciliation_matches" | "matched_facts",
  columns: Readonly<Record<string, ColumnType>>,
  values: readonly (readonly (string | number | bigint | null)[])[],
): Promise<void> {
  if (values.length === 0) return;
  const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  await sql`INSERT INTO ${sql.table(table)} (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS given`.execute(db);
}
