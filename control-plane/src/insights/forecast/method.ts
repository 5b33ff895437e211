import { factorAt, findSeason, removeSeason } from "./season.ts";
import { lastValue, simpleSmoothing, theta, type Fit } from "./smooth.ts";

export type ForecastMethod = "last value" | "simple smoothing" | "theta" | "seasonal theta";

export interface Projection extends Fit {
  readonly method: ForecastMethod;
}

/** Months of history from which a method is used; below the first, the last value stands for all that follow. */
export const methodFromMonths = { "simple smoothing": 6, theta: 18 } as const;

/**
 * Expected monthly values by the method that the length of the history allows: trends hurt below eighteen months, and a
 * season is used only where it is proven. Nothing is expected below zero unless the history itself went there.
 */
export function project(history: readonly number[], horizon: number): Projection {
  const made = fit(history, horizon);
  const floor = Math.min(0, ...history);
  return { ...made, ahead: made.ahead.map((value) => Math.max(floor, value)) };
}

function fit(history: readonly number[], horizon: number): Projection {
  if (history.length < methodFromMonths["simple smoothing"]) {
    return { method: "last value", ...lastValue(history, horizon) };
  }
  if (history.length < methodFromMonths.theta) {
    return { method: "simple smoothing", ...simpleSmoothing(history, horizon) };
  }
  const season = findSeason(history);
  if (season === null) return { method: "theta", ...theta(history, horizon) };
  const { ahead, residuals } = theta(removeSeason(history, season), horizon);
  return {
    method: "seasonal theta",
    ahead: ahead.map((value, step) => value * factorAt(season, history.length + step)),
    residuals: residuals.map((error, at) => error * factorAt(season, at + 1)),
  };
}
