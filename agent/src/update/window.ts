import { dayMs } from "@flowstate/shared/time";
import type { AgentSettings } from "@flowstate/shared/wire/agent-policy";

/** A span of time, epoch milliseconds; it ends before `until`. */
export interface Span {
  readonly from: number;
  readonly until: number;
}

/** The opening of a maintenance window that lasts at `at`, else the next one. Weekdays are those on which it begins. */
export function nextOpening(
  { weekdays, from, until }: NonNullable<AgentSettings["maintenanceWindow"]>,
  at: number,
): Span {
  const [begin, end] = [msOf(from), msOf(until)];
  // From 22:00 until 22:00 is a whole day.
  const lengthMs = end > begin ? end - begin : end - begin + dayMs;
  const today = at - (at % dayMs);
  // Yesterday's may last into today; a window that begins on one weekday alone may be a week away.
  for (let day = today - dayMs; day <= today + 7 * dayMs; day += dayMs) {
    const opening = { from: day + begin, until: day + begin + lengthMs };
    if (opening.until > at && weekdays.includes(new Date(day).getUTCDay())) return opening;
  }
  throw new Error("bug: a maintenance window has a weekday");
}

function msOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return (hours * 60 + minutes) * 60_000;
}
