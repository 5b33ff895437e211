import type { OrgId } from "@flowstate/shared/ids";
import { subtractUsd, type NanoUsd } from "@flowstate/shared/money";
import { shippedPrices } from "@flowstate/shared/prices/book";
import { dayMs, periodBounds, type Period, type UsageDate } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import { explainResidual, type CausePart } from "./causes.ts";
import { loadLines, loadObserved, matchedFacts, providerOf, tokensOf } from "./load.ts";
import { abs } from "./score.ts";
import { statuses, type Status } from "./status.ts";

export interface StatusCount {
  readonly status: Status;
  readonly rows: number;
  readonly total: NanoUsd;
}

export interface PeriodSummary {
  readonly period: Period;
  readonly billed: NanoUsd;
  readonly observed: NanoUsd;
  readonly writtenOff: NanoUsd;
  /** billed − observed − written off. */
  readonly residual: NanoUsd;
  readonly deferred: NanoUsd;
  /** Billed amount that has a match, confirmed ones included. */
  readonly matched: NanoUsd;
  /** Sum of what each match is apart, regardless of direction, and of every line without one. */
  readonly grossVariance: NanoUsd;
  readonly counts: readonly StatusCount[];
  readonly causes: readonly CausePart[];
}

/** So near the end of the month, or to now, that the other side may still come. */
const edgeMs = 2 * dayMs;

/** The month in figures; the causes sum to the residual exactly. */
export async function summarise(
  db: Reader,
  orgId: OrgId,
  period: Period,
  now: number,
): Promise<PeriodSummary> {
  const { from, to } = periodBounds(period);
  const lines = await loadLines(db, orgId, period);
  const observed = await loadObserved(db, orgId, { from, until: to });
  const matchOf = await matchedFacts(db, orgId, { first: period, last: period });
  const lastBill = Math.min(to, now) - edgeMs;
  const billedLines = lines.map((line) => ({
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
    writtenOff: line.status === "written_off",
    matchId: line.match_id,
  }));
  const seen = observed.map((fact) => ({
    cost: fact.cost,
    tokens: fact.tokens,
    plan: fact.plan,
    atEdge: Date.parse(fact.day) + dayMs > lastBill,
    matchId: matchOf.get(fact.factId) ?? null,
  }));
  const counts = statuses.map((status) => {
    const own = lines.filter((line) => line.status === status);
    return { status, rows: own.length, total: total(own.map((line) => line.amount_nano_usd)) };
  });
  const billed = total(billedLines.map(({ amount }) => amount));
  const observedCost = total(observed.map(({ cost }) => cost));
  const writtenOff = total(billedLines.filter((line) => line.writtenOff).map(({ amount }) => amount));
  return {
    period,
    billed,
    observed: observedCost,
    writtenOff,
    residual: subtractUsd(subtractUsd(billed, observedCost), writtenOff),
    deferred: counts.find(({ status }) => status === "deferred")?.total ?? total([]),
    matched: total(billedLines.filter(({ matchId }) => matchId !== null).map(({ amount }) => amount)),
    grossVariance: grossVariance(billedLines, seen),
    counts,
    causes: explainResidual(billedLines, seen, shippedPrices()),
  };
}

function grossVariance(
  lines: readonly { readonly amount: NanoUsd; readonly matchId: string | null }[],
  seen: readonly { readonly cost: NanoUsd; readonly matchId: string | null }[],
): NanoUsd {
  const apart = new Map<string, bigint>();
  let gross = 0n;
  const add = (matchId: string | null, amount: bigint): void => {
    if (matchId === null) gross += abs(amount);
    else apart.set(matchId, (apart.get(matchId) ?? 0n) + amount);
  };
  for (const { matchId, amount } of lines) add(matchId, amount);
  for (const { matchId, cost } of seen) add(matchId, -cost);
  for (const difference of apart.values()) gross += abs(difference);
  return gross as NanoUsd;
}

function total(values: readonly bigint[]): NanoUsd {
  return values.reduce((sum, value) => sum + value, 0n) as NanoUsd;
}
