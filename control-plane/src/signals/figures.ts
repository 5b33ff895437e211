/** The middle value; 0 of none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which that share lies, between the two nearest; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/** Standard deviation of the logarithms of positive values, by their median deviation, which a few spikes do not move. */
export function spreadOfLogs(values: readonly number[]): number {
  const logs = values.filter((value) => value > 0).map(Math.log);
  const middle = median(logs);
  return 1.4826 * median(logs.map((log) => Math.abs(log - middle)));
}

/** An exact amount as a number to compare and to take statistics of; sums are made before. */
export function comparable(nanoUsd: bigint): number {
  return Number(nanoUsd) / 1e9;
}

/** A statistic of amounts for people, to the cent. */
export function dollars(usd: number): string {
  return usd.toFixed(2);
}

/** 1, 10, 100 …: the largest that the count has reached; 0 below 1. */
export function magnitude(count: number): number {
  return count < 1 ? 0 : 10 ** Math.floor(Math.log10(count) + 1e-9);
}
