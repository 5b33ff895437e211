import { defaultBands as table } from "./bands.data.ts";

/** How wide a band is at each step ahead, in multiples of a history's `scaleOf`. */
export interface Bands {
  /** Of values that came about, so many were within: 80 and 95 of a hundred. */
  readonly within80: readonly number[];
  readonly within95: readonly number[];
}

/** Series that an organisation needs before its own errors are believed over the default ones. */
export const leastSeries = 30;

/** A history that never moved is still not certain: the least scale by its mean size. */
const leastShare = 0.02;

/** The size of what a method got wrong one month ahead inside the history; the history's own size where it has no such error. */
export function scaleOf(history: readonly number[], residuals: readonly number[]): number {
  const size = meanSize(history);
  return residuals.length === 0 ? size : Math.max(meanSize(residuals), leastShare * size);
}

/**
 * Split conformal bands: the quantile of errors that were made, each by its own scale, so that no distribution is
 * assumed (Vovk, Gammerman and Shafer 2005). `scores` holds one row per series, its steps in order; null where a row does not
 * reach. Steps further ahead are never narrower. Null where there are too few.
 */
export function conformalBands(
  scores: readonly (readonly (number | null)[])[],
  horizon: number,
): Bands | null {
  const steps = Array.from({ length: horizon }, (_, step) =>
    scores.flatMap((row) => row[step] ?? []).sort((a, b) => a - b),
  );
  if (steps.some((own) => own.length < leastSeries)) return null;
  return {
    within80: widening(steps.map((own) => quantile(own, 0.8))),
    within95: widening(steps.map((own) => quantile(own, 0.95))),
  };
}

/** Bands for a history of so many months, from monthly series of the M3 competition; used until there are own ones. */
export function defaultBands(months: number): Bands {
  const rows = table.filter((row) => row.fromMonths <= months);
  return rows.at(-1) ?? table[0];
}

/** The value below which the next one falls with this probability, given those seen: the finite-sample quantile. */
function quantile(sorted: readonly number[], probability: number): number {
  const rank = Math.ceil((sorted.length + 1) * probability);
  return sorted[Math.min(rank, sorted.length) - 1] ?? 0;
}

function widening(values: readonly number[]): number[] {
  let widest = 0;
  return values.map((value) => (widest = Math.max(widest, value)));
}

function meanSize(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
}
