import { setImmediate as breathe } from "node:timers/promises";
import { dateOf, dayMs, type UsageDate } from "@flowstate/shared/time";

export interface Day {
  readonly date: UsageDate;
  readonly from: number;
  readonly to: number;
}

/** The UTC days between two instants, the last of which may be cut short. */
export function daysBetween(from: number, to: number): readonly Day[] {
  const days: Day[] = [];
  for (let at = Math.floor(from / dayMs) * dayMs; at < to; at += dayMs) {
    days.push({ date: dateOf(at), from: at, to: at + dayMs });
  }
  return days;
}

/** Runs once a day, a day at a time, so that on one machine everything else goes on meanwhile. */
export async function overDays<T>(
  { from, to }: { readonly from: number; readonly to: number },
  run: (day: Day) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (const day of daysBetween(from, to)) {
    all.push(...(await run(day)));
    await breathe();
  }
  return all;
}

/** Monday of the UTC week. */
export function weekOf(at: number): UsageDate {
  const monday = 4 * dayMs;
  return dateOf(Math.floor((at - monday) / (7 * dayMs)) * 7 * dayMs + monday);
}
