import type { Price, PriceBook } from "@flowstate/shared/prices/book";
import { rate, standardTerms } from "@flowstate/shared/prices/rate";
import { promptTokens, tokens, type TokenCounts } from "@flowstate/shared/tokens";
import type { NanoUsd } from "@flowstate/shared/money";
import type { BilledLine, Cause } from "./causes.ts";
import { withinTolerance } from "./score.ts";

type Charge = (price: Price, counts: TokenCounts) => bigint | null;

/** Ways to charge the same tokens otherwise than devices assume, in the order in which they are tried. */
const charges: readonly (readonly [Cause, Charge])[] = [
  ["batch_tier", (price, counts) => costOf(price, counts, { serviceTier: "batch" })],
  ["batch_tier", (price, counts) => halfOf(costOf(price, counts, {}))],
  ["service_tier", (price, counts) => costOf(price, counts, { serviceTier: "flex" })],
  ["service_tier", (price, counts) => costOf(price, counts, { serviceTier: "priority" })],
  ["service_tier", (price, counts) => costOf(price, counts, { speed: "fast" })],
  ["service_tier", (price, counts) => costOf(price, counts, { inferenceGeo: "us" })],
  ["long_context", (price, counts) => rate(price, counts, standardTerms, Infinity)?.costNanoUsd ?? null],
  [
    "cache_tier",
    (price, counts) => costOf(price, tokens({ input: promptTokens(counts), output: counts.output }), {}),
  ],
];

/**
 * The tier at whose list price the lines' own tokens cost what was billed; null where none meets the bill, or where
 * tokens, model or price are unknown. A bill that is the standard price of its own tokens differs from what was
 * observed in the class alone that cached tokens were counted in.
 */
export function tierOfBill(lines: readonly BilledLine[], prices: PriceBook): Cause | null {
  const billed = lines.reduce((sum, { amount }) => sum + amount, 0n) as NanoUsd;
  const meets = (charge: Charge): boolean => {
    const cost = total(lines, prices, charge);
    return cost !== null && withinTolerance(billed, cost);
  };
  if (meets((price, counts) => costOf(price, counts, {}))) return "cache_tier";
  return charges.find(([, charge]) => meets(charge))?.[0] ?? null;
}

function total(lines: readonly BilledLine[], prices: PriceBook, charge: Charge): NanoUsd | null {
  let sum = 0n;
  for (const line of lines) {
    const price = line.model === null ? null : prices.find(line.provider, line.model, Date.parse(line.day));
    const cost = price === null || line.tokens === null ? null : charge(price, line.tokens);
    if (cost === null) return null;
    sum += cost;
  }
  return sum as NanoUsd;
}

function costOf(price: Price, counts: TokenCounts, terms: Partial<typeof standardTerms>): bigint | null {
  return rate(price, counts, { ...standardTerms, ...terms }, 0)?.costNanoUsd ?? null;
}

/** What every vendor that has batches takes for them, where the book does not price each class. */
function halfOf(cost: bigint | null): bigint | null {
  return cost === null ? null : cost / 2n;
}
