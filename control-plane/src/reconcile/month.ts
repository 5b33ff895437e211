import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { shippedPrices } from "@flowstate/shared/prices/book";
import { dayMs, periodBounds, type Period, type UsageDate } from "@flowstate/shared/time";
import type { Reader, Writer } from "../store/open.ts";
import type { BilledLine, ObservedUsage } from "./causes.ts";
import type { ObservedFact } from "./facts.ts";
import { figuresOf, printFigures, readFigures, type Figures } from "./figures.ts";
import {
  loadLines,
  loadMatched,
  loadObserved,
  matchedFacts,
  providerOf,
  tokensOf,
  type StandingLine,
} from "./load.ts";

/** So near the end of the month, or to now, that the other side may still come. */
const edgeMs = 2 * dayMs;

/** What was used until then must be on a bill by now; the figures of a running month change with the day. */
export function lastBillAt(period: Period, now: number): number {
  return Math.min(periodBounds(period).to, Math.ceil(now / dayMs) * dayMs) - edgeMs;
}

/** The month's figures from its rows. */
export async function figuresNow(db: Reader, orgId: OrgId, period: Period, now: number): Promise<Figures> {
  const { from, to } = periodBounds(period);
  const lines = await loadLines(db, orgId, period);
  const observed = await loadObserved(db, orgId, { from, until: to });
  const matchOf = await matchedFacts(db, orgId, { first: period, last: period });
  return figuresOf(
    lines.map(billedLineOf),
    observed.map((fact) => observedUsageOf(fact, matchOf.get(fact.factId) ?? null, lastBillAt(period, now))),
    shippedPrices(),
  );
}

/** The figures of one match, or of one row where it has none. */
export async function figuresOfMatch(
  db: Reader,
  { orgId, period }: { readonly orgId: OrgId; readonly period: Period },
  of: { readonly rowId: string; readonly matchId: string | null },
  asOf: number,
): Promise<Figures> {
  const lines = await loadLines(db, orgId, period, of);
  const observed = of.matchId === null ? [] : await loadMatched(db, orgId, of.matchId);
  const { from, to } = periodBounds(period);
  const seen = observed
    .filter(({ day }) => Date.parse(day) >= from && Date.parse(day) < to)
    .map((fact) => observedUsageOf(fact, of.matchId, lastBillAt(period, asOf)));
  return figuresOf(lines.map(billedLineOf), seen, shippedPrices());
}

/** The figures that the last run and the actions since have kept; null before the first. */
export async function keptAsOf(
  db: Reader,
  orgId: OrgId,
  period: Period,
): Promise<{ readonly figures: Figures; readonly asOf: number } | null> {
  const kept = await db
    .selectFrom("reconciliation_figures")
    .select(["kept_at", "figures"])
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .executeTakeFirst();
  return kept === undefined ? null : { figures: readFigures(kept.figures), asOf: kept.kept_at };
}

export async function keepFigures(
  db: Writer,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
  figures: Figures,
): Promise<void> {
  const kept = { kept_at: now, figures: printFigures(figures) };
  await db
    .insertInto("reconciliation_figures")
    .values({ org_id: orgId, period, ...kept })
    .onConflict((on) => on.columns(["org_id", "period"]).doUpdateSet(kept))
    .execute();
}

export function billedLineOf(line: StandingLine): BilledLine {
  return {
    rowId: line.row_id,
    provider: providerOf(line),
    model: line.model,
    day: line.usage_day as UsageDate,
    category: line.charge_category,
    recurring: line.charge_frequency === "Recurring",
    named: line.subject !== null,
    currency: line.original_currency,
    amount: line.amount_nano_usd as NanoUsd,
    tokens: tokensOf(line),
    status: line.status,
    matchId: line.match_id,
  };
}

export function observedUsageOf(fact: ObservedFact, matchId: string | null, lastBill: number): ObservedUsage {
  return {
    cost: fact.cost,
    tokens: fact.tokens,
    plan: fact.plan,
    atEdge: Date.parse(fact.day) + dayMs > lastBill,
    matchId,
  };
}
