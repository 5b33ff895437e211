import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodBounds, periodOfDate, type Period } from "@flowstate/shared/time";
import { shippedPrices } from "@flowstate/shared/prices/book";
import { isClosed } from "../ledger/period.ts";
import { postCorrections } from "../ledger/post.ts";
import type { Store, Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { moveLateRows, returnDeferred } from "./carry-over.ts";
import type { ObservedFact } from "./facts.ts";
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
import {
  dropMatches,
  replaceableMatches,
  matchIdOf,
  storeMatches,
  storeStandings,
  type NamedMatch,
} from "./keep.ts";
import { lockReconciliation } from "./lock.ts";
import { matchFacts } from "./match.ts";
import { billedLineOf, keepFigures, lastBillAt, observedUsageOf } from "./month.ts";
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
/** People matched at once: as many as stay small in memory. */
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
  const all = await replaceableMatches(db, orgId, period, frozen);
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
