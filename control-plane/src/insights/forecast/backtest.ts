import { setImmediate as breathe } from "node:timers/promises";
import { scaleOf } from "./bands.ts";
import { lastValue } from "./smooth.ts";
import { project, type Projection } from "./method.ts";
import { nodeKey, organisation, type Node } from "./nodes.ts";
import { monthsAhead, type PersonHistory } from "./people.ts";
import type { Share } from "./shares.ts";

export type Predict = (history: readonly number[], horizon: number) => Projection;

export const byLength: Predict = project;
export const byLastValue: Predict = (history, horizon) => ({
  method: "last value",
  ...lastValue(history, horizon),
});

/** How a node's forecasts made at the ends of past months compare with what came. */
export interface Backtest {
  /**
   * Mean absolute scaled error over one to six months ahead (Hyndman and Koehler 2006): the error by the node's mean change from
   * one month to the next. Below 1 the forecast beats that; null where nothing could be compared.
   */
  readonly mase: number | null;
  /** Each origin's errors by the scale of the history before it, step by step, for the bands. */
  readonly scores: readonly (readonly number[])[];
}

const mostOrigins = 12;

/**
 * Repeats the whole forecast as it would have been made at the end of each of the last twelve months, from what was known
 * then, and compares every sum with what came. It stops between months, so that others have their turn.
 */
export async function backtest(
  people: readonly PersonHistory[],
  actuals: ReadonlyMap<string, { readonly node: Node; readonly months: readonly number[] }>,
  months: number,
  predict: Predict,
): Promise<ReadonlyMap<string, Backtest>> {
  const errors = new Map<string, { errors: number[]; scores: number[][] }>();
  for (let origin = Math.max(0, months - 1 - mostOrigins); origin < months - 1; origin += 1) {
    const horizon = Math.min(monthsAhead, months - 1 - origin);
    const expected = expectedAt(people, origin, horizon, predict);
    for (const [key, { months: actual }] of actuals) {
      const known = sinceFirst(actual.slice(0, origin + 1));
      if (known.length === 0) continue;
      const steps = expected.get(key) ?? Array.from({ length: horizon }, () => 0);
      const missed = steps.map((value, step) => Math.abs((actual[origin + 1 + step] ?? 0) - value));
      const scale = scaleOf(known, project(known, 1).residuals);
      const own = errors.get(key) ?? { errors: [], scores: [] };
      own.errors.push(...missed);
      if (scale > 0) own.scores.push(missed.map((error) => error / scale));
      errors.set(key, own);
    }
    await breathe();
  }
  return new Map(
    [...actuals].map(([key, { months: actual }]) => {
      const own = errors.get(key) ?? { errors: [], scores: [] };
      return [key, { mase: maseOf(sinceFirst(actual), own.errors), scores: own.scores }];
    }),
  );
}

/** The mean of all nodes' errors, for the choice of a method; null where nothing could be compared. */
export function meanMase(results: ReadonlyMap<string, Backtest>): number | null {
  const known = [...results.values()].flatMap(({ mase }) => mase ?? []);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** A node's values from its first one that is not 0. */
export function sinceFirst(values: readonly number[]): readonly number[] {
  const first = values.findIndex((value) => value !== 0);
  return first === -1 ? [] : values.slice(first);
}

function expectedAt(
  people: readonly PersonHistory[],
  origin: number,
  horizon: number,
  predict: Predict,
): ReadonlyMap<string, readonly number[]> {
  const sums = new Map<string, number[]>();
  const add = (key: string, step: number, value: number): void => {
    const own = sums.get(key) ?? Array.from({ length: horizon }, () => 0);
    own[step] = (own[step] ?? 0) + value;
    sums.set(key, own);
  };
  const spread = (kind: Node["kind"], step: number, value: number, shares: readonly Share[]): void => {
    const total = Number(shares.reduce((sum, { weight }) => sum + weight, 0n));
    for (const { id, weight } of shares) add(nodeKey({ kind, id }), step, (value * Number(weight)) / total);
  };
  for (const { from, history, projects, teams } of people) {
    const known = history.slice(0, Math.max(0, origin + 1 - from));
    if (known.length === 0) continue;
    const { ahead } = predict(known, horizon);
    for (const [step, value] of ahead.entries()) {
      const month = origin + 1 + step;
      add(nodeKey(organisation), step, value);
      spread("project", step, value, projects[month] ?? []);
      spread("team", step, value, teams[month] ?? []);
    }
  }
  return sums;
}

function maseOf(history: readonly number[], errors: readonly number[]): number | null {
  const changes = history.slice(1).map((value, index) => Math.abs(value - (history[index] ?? 0)));
  const change = changes.reduce((sum, value) => sum + value, 0) / Math.max(1, changes.length);
  if (errors.length === 0 || change === 0) return null;
  return errors.reduce((sum, value) => sum + value, 0) / errors.length / change;
}
