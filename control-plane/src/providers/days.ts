import { addDays, type UsageDate } from "@flowstate/shared/time";
import type { DayWindow } from "./connector.ts";

/** Every day of the window, the first one first. */
export function daysOf({ from, until }: DayWindow): readonly UsageDate[] {
  const days: UsageDate[] = [];
  for (let day = from; day <= until; day = addDays(day, 1)) days.push(day);
  return days;
}

/** First instant of the window and first instant after it, in UTC epoch milliseconds. */
export function boundsOf({ from, until }: DayWindow): { readonly startMs: number; readonly endMs: number } {
  return { startMs: startOf(from), endMs: startOf(addDays(until, 1)) };
}

function startOf(day: UsageDate): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/**
 * Days back to the first day of the previous month while clouds still close it, which takes them up to the fifth; 0
 * afterwards.
 */
export function previousMonthDays(today: UsageDate): number {
  const dayOfMonth = Number(today.slice(-2));
  if (dayOfMonth > 5) return 0;
  const lastOfPrevious = addDays(today, -dayOfMonth);
  return dayOfMonth - 1 + Number(lastOfPrevious.slice(-2));
}
