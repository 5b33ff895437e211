import { abs, cent } from "./score.ts";

export interface Subset<T> {
  readonly items: readonly T[];
  /** No other subset sums to the same. */
  readonly only: boolean;
}

const mostItems = 12;

/**
 * The subset of at least two items that sums to `sum` within a cent, the first by the items' order. Null where there
 * is none, or where there are so many items that chance alone would find one.
 */
export function onlySubset<T>(
  items: readonly T[],
  amountOf: (item: T) => bigint,
  sum: bigint,
): Subset<T> | null {
  if (items.length < 2 || items.length > mostItems) return null;
  const amounts = items.map(amountOf);
  let found: number | null = null;
  for (let chosen = 3; chosen < 1 << items.length; chosen += 1) {
    if ((chosen & (chosen - 1)) === 0) continue;
    let total = 0n;
    for (const [index, amount] of amounts.entries()) if ((chosen >> index) & 1) total += amount;
    if (abs(total - sum) > cent) continue;
    if (found !== null) return { items: pick(items, found), only: false };
    found = chosen;
  }
  return found === null ? null : { items: pick(items, found), only: true };
}

function pick<T>(items: readonly T[], chosen: number): readonly T[] {
  return items.filter((_, index) => (chosen >> index) & 1);
}
