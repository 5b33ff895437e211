/** Forecasting methods over equally spaced values, oldest first. Values are plain numbers: money is rounded by the caller. */

/** What a method makes of a history. */
export interface Fit {
  /** Expected values of the steps that follow. */
  readonly ahead: readonly number[];
  /** Errors of the forecasts one step ahead inside the history: what was, less what was expected. */
  readonly residuals: readonly number[];
}

/** Every step ahead is as the last one was. */
export function lastValue(history: readonly number[], horizon: number): Fit {
  const last = history.at(-1) ?? 0;
  return {
    ahead: Array.from({ length: horizon }, () => last),
    residuals: history.slice(1).map((value, index) => value - (history[index] ?? 0)),
  };
}

/** Simple exponential smoothing; Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 8.1. */
export function simpleSmoothing(history: readonly number[], horizon: number): Fit {
  const { level, residuals } = bestLevel(history);
  return { ahead: Array.from({ length: horizon }, () => level), residuals };
}

/**
 * The Theta method as the mean of a straight line and of a smoothed line of twice the curvature: Assimakopoulos and
 * Nikolopoulos 2000. Same as smoothing with half of the line's slope as drift: Hyndman and Billah 2003.
 */
export function theta(history: readonly number[], horizon: number): Fit {
  const { intercept, slope } = straightLine(history);
  const line = (at: number): number => intercept + slope * at;
  const curved = history.map((value, at) => 2 * value - line(at));
  const { level, residuals } = bestLevel(curved);
  return {
    ahead: Array.from({ length: horizon }, (_, step) => (line(history.length + step) + level) / 2),
    // The straight line has no error of its own kind one step ahead, so the mean of both has half the curved one's.
    residuals: residuals.map((error) => error / 2),
  };
}

interface Smoothed {
  readonly level: number;
  readonly residuals: readonly number[];
}

const alphas = Array.from({ length: 50 }, (_, index) => (index + 1) / 50);

/** The smoothing whose forecasts one step ahead were nearest, by squares. */
function bestLevel(history: readonly number[]): Smoothed {
  const start = startLevel(history);
  let best = smooth(history, start, 1);
  let least = squares(best.residuals);
  for (const alpha of alphas) {
    const tried = smooth(history, start, alpha);
    const sum = squares(tried.residuals);
    if (sum < least) [best, least] = [tried, sum];
  }
  return best;
}

function smooth(history: readonly number[], start: number, alpha: number): Smoothed {
  let level = start;
  const residuals: number[] = [];
  for (const value of history) {
    residuals.push(value - level);
    level += alpha * (value - level);
  }
  return { level, residuals: residuals.slice(1) };
}

/** The mean of the first year, so that one odd month at the beginning does not set the level. */
function startLevel(history: readonly number[]): number {
  const first = history.slice(0, 12);
  return first.length === 0 ? 0 : first.reduce((sum, value) => sum + value, 0) / first.length;
}

function straightLine(values: readonly number[]): { readonly intercept: number; readonly slope: number } {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  let rise = 0;
  let run = 0;
  for (const [at, value] of values.entries()) {
    rise += (at - middle) * (value - mean);
    run += (at - middle) ** 2;
  }
  const slope = run === 0 ? 0 : rise / run;
  return { intercept: mean - slope * middle, slope };
}

function squares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}
