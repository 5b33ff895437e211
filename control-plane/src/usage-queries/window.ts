import { FlowstateError } from "@flowstate/shared/errors";
import {
  addDays,
  addMonths,
  dateOf,
  parseUsageDate,
  periodOfDate,
  type UsageDate,
} from "@flowstate/shared/time";

/** Whole UTC days, the last one included. */
export interface UsageWindow {
  readonly startDate: UsageDate;
  readonly endDate: UsageDate;
}

const mostDays = 3660;

/** The days a question is about: the last three months where it says nothing. Throws FS_INPUT_INVALID. */
export function readWindow(
  given: { readonly startDate?: string | null | undefined; readonly endDate?: string | null | undefined },
  now: number,
): UsageWindow {
  const endDate = readDay("endDate", given.endDate) ?? dateOf(now);
  const startDate = readDay("startDate", given.startDate) ?? threeMonthsBefore(endDate);
  if (startDate > endDate) {
    throw new FlowstateError("FS_INPUT_INVALID", `startDate ${startDate} is after endDate ${endDate}`);
  }
  if (addDays(startDate, mostDays) < endDate) {
    throw new FlowstateError("FS_INPUT_INVALID", "a window holds at most ten years");
  }
  return { startDate, endDate };
}

/** First instant of the window and first instant after it. */
export function windowBounds({ startDate, endDate }: UsageWindow): {
  readonly from: number;
  readonly to: number;
} {
  return { from: Date.parse(`${startDate}T00:00:00Z`), to: Date.parse(`${addDays(endDate, 1)}T00:00:00Z`) };
}

/** The same day three months earlier, or that month's last day where it has no such day. */
function threeMonthsBefore(day: UsageDate): UsageDate {
  const month = addMonths(periodOfDate(day), -3);
  const lastDay = addDays(`${addMonths(month, 1)}-01` as UsageDate, -1);
  const sameDay = `${month}-${day.slice(8)}` as UsageDate;
  return sameDay < lastDay ? sameDay : lastDay;
}

function readDay(name: string, text: string | null | undefined): UsageDate | null {
  if (text == null) return null;
  const day = parseUsageDate(text);
  if (day.ok) return day.value;
  throw new FlowstateError("FS_INPUT_INVALID", `${name}: ${day.detail}`);
}
