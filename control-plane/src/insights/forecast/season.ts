const year = 12;

/** A year's shape: factors by place in the year, whose mean is 1, in the order of the history's own first months. */
export type Season = readonly number[];

/**
 * The yearly season of a monthly history, or null where there is none that the history proves: fewer than three years,
 * a value that is not positive, or a correlation at twelve months within what chance gives nine times in ten
 * (Bartlett's bound, the test of the M4 competition).
 */
export function findSeason(history: readonly number[]): Season | null {
  if (history.length < 3 * year || history.some((value) => value <= 0)) return null;
  return isSeasonal(history) ? yearShape(history) : null;
}

export function removeSeason(history: readonly number[], season: Season): number[] {
  return history.map((value, at) => value / factorAt(season, at));
}

/** The factor of the month that stands `at` places after the history's first. */
export function factorAt(season: Season, at: number): number {
  return season[at % year] ?? 1;
}

function isSeasonal(history: readonly number[]): boolean {
  const correlations = Array.from({ length: year }, (_, index) => autocorrelation(history, index + 1));
  const before = correlations.slice(0, -1).reduce((sum, value) => sum + value * value, 0);
  const bound = 1.645 * Math.sqrt((1 + 2 * before) / history.length);
  return Math.abs(correlations.at(-1) ?? 0) > bound;
}

function autocorrelation(values: readonly number[], lag: number): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let together = 0;
  let own = 0;
  for (const [at, value] of values.entries()) {
    own += (value - mean) ** 2;
    const later = values[at + lag];
    if (later !== undefined) together += (value - mean) * (later - mean);
  }
  return own === 0 ? 0 : together / own;
}

/** Classical multiplicative decomposition: values by their centred moving mean over a year. */
function yearShape(history: readonly number[]): Season {
  const half = year / 2;
  const ratios: number[][] = Array.from({ length: year }, () => []);
  for (let at = half; at + half < history.length; at += 1) {
    const span = history.slice(at - half, at + half + 1);
    const ends = ((span[0] ?? 0) + (span.at(-1) ?? 0)) / 2;
    const mean = (span.slice(1, -1).reduce((sum, value) => sum + value, 0) + ends) / year;
    if (mean > 0) ratios[at % year]?.push((history[at] ?? 0) / mean);
  }
  const raw = ratios.map((own) =>
    own.length === 0 ? 1 : own.reduce((sum, value) => sum + value, 0) / own.length,
  );
  const mean = raw.reduce((sum, value) => sum + value, 0) / year;
  return raw.map((value) => Math.max(value / mean, 0.01));
}
