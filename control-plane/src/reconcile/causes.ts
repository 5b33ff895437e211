import type { NanoUsd } from "@flowstate/shared/money";
import type { PriceBook } from "@flowstate/shared/prices/book";
import { totalTokens, type TokenCounts } from "@flowstate/shared/tokens";
import type { UsageDate } from "@flowstate/shared/time";
import type { ChargeCategory } from "../billing/tables.ts";
import { abs, cent } from "./score.ts";
import type { Status } from "./status.ts";
import { tierOfBill } from "./tiers.ts";

/** Why billed and observed differ, in the order in which the causes are tried. */
export const causeHints = {
  seat_fee: "seats and subscriptions have no usage behind them",
  commitment_or_credit: "retainers, prepayments, credits and refunds",
  tax_or_fee: "taxes and fees",
  cutoff_lag: "one side falls into the neighbouring month, or is still on its way",
  shared_key: "billed to a key, a project or an organisation that names no person",
  uncaptured_usage: "billed, and no device saw it: check the monitoring gaps",
  included_usage: "seen at list price, and covered by a flat plan",
  cache_tier: "the same tokens were billed at another cache price than observed",
  batch_tier: "the same tokens were billed at the price of batches",
  long_context: "the same tokens were billed at the price of long prompts",
  service_tier: "the same tokens were billed at the price of another service tier",
  negotiated_discount: "the same tokens were billed below the list price",
  price_book_error: "the same tokens were billed above the list price: check the price book",
  exchange_rate: "billed in another currency",
  rounding: "cents that the vendor rounds",
  unexplained: "nothing of the above",
} as const;
export type Cause = keyof typeof causeHints;

/** A line of the period's bill. */
export interface BilledLine {
  readonly rowId: string;
  /** Provider slug, as calls carry it. */
  readonly provider: string;
  readonly model: string | null;
  readonly day: UsageDate;
  readonly category: ChargeCategory;
  readonly recurring: boolean;
  readonly named: boolean;
  readonly currency: string;
  readonly amount: NanoUsd;
  /** Null where the bill does not say its tokens. */
  readonly tokens: TokenCounts | null;
  readonly status: Status;
  readonly matchId: string | null;
}

/** Observed usage of the period. */
export interface ObservedUsage {
  readonly cost: NanoUsd;
  readonly tokens: bigint;
  readonly plan: boolean;
  /** So near the period's end, or to now, that its bill may be elsewhere. */
  readonly atEdge: boolean;
  readonly matchId: string | null;
}

export interface CausePart {
  readonly cause: Cause;
  readonly amount: NanoUsd;
  readonly rows: number;
}

/**
 * Splits billed − observed − written off into causes. Every line and every fact is counted in exactly one part, so the
 * parts sum to the residual to the nano-dollar.
 */
export function explainResidual(
  lines: readonly BilledLine[],
  observed: readonly ObservedUsage[],
  prices: PriceBook,
): readonly CausePart[] {
  const parts = new Map<Cause, { amount: bigint; rows: number }>();
  const add = (cause: Cause, amount: bigint, rows: number): void => {
    const part = parts.get(cause) ?? { amount: 0n, rows: 0 };
    parts.set(cause, { amount: part.amount + amount, rows: part.rows + rows });
  };
  const open = lines.filter(({ status }) => status !== "written_off");
  const matched = Map.groupBy(
    open.filter(({ matchId }) => matchId !== null),
    ({ matchId }) => matchId,
  );
  const facts = Map.groupBy(observed, ({ matchId }) => matchId);
  for (const [matchId, own] of matched) {
    const seen = facts.get(matchId) ?? [];
    const difference = sum(own.map(({ amount }) => amount)) - sum(seen.map(({ cost }) => cost));
    if (difference !== 0n) add(causeOfDifference(own, seen, difference, prices), difference, own.length);
  }
  for (const line of open) if (line.matchId === null) add(causeOfLine(line), line.amount, 1);
  for (const fact of observed) {
    if (fact.matchId !== null && matched.has(fact.matchId)) continue;
    if (fact.cost !== 0n) add(causeOfUsage(fact), -fact.cost, 0);
  }
  return (Object.keys(causeHints) as Cause[]).flatMap((cause) => {
    const part = parts.get(cause);
    return part === undefined ? [] : [{ cause, amount: part.amount as NanoUsd, rows: part.rows }];
  });
}

function causeOfDifference(
  lines: readonly BilledLine[],
  seen: readonly ObservedUsage[],
  difference: bigint,
  prices: PriceBook,
): Cause {
  if (seen.length === 0) return "cutoff_lag";
  if (abs(difference) <= cent * BigInt(lines.length)) return "rounding";
  const sameTokens = haveSameTokens(lines, seen);
  const tier = sameTokens === true ? tierOfBill(lines, prices) : null;
  if (tier !== null) return tier;
  if (sameTokens !== false && lines.some(({ currency }) => currency !== "USD")) return "exchange_rate";
  if (sameTokens === true) return difference < 0n ? "negotiated_discount" : "price_book_error";
  if (difference > 0n) return "uncaptured_usage";
  return seen.some(({ plan }) => plan) ? "included_usage" : "unexplained";
}

/** Null where the bill does not say its tokens. */
function haveSameTokens(lines: readonly BilledLine[], seen: readonly ObservedUsage[]): boolean | null {
  const counts = lines.map(({ tokens }) => (tokens === null ? null : totalTokens(tokens)));
  if (!counts.every((count) => count !== null)) return null;
  const billed = sum(counts.map(BigInt));
  const observed = sum(seen.map(({ tokens }) => tokens));
  return abs(billed - observed) * 1000n <= (billed > observed ? billed : observed);
}

function causeOfLine({ category, recurring, named }: BilledLine): Cause {
  switch (category) {
    case "Purchase":
      return recurring ? "seat_fee" : "commitment_or_credit";
    case "Credit":
    case "Adjustment":
      return "commitment_or_credit";
    case "Tax":
      return "tax_or_fee";
    case "Usage":
      return named ? "uncaptured_usage" : "shared_key";
  }
}

function causeOfUsage({ plan, atEdge }: ObservedUsage): Cause {
  if (plan) return "included_usage";
  return atEdge ? "cutoff_lag" : "unexplained";
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}
