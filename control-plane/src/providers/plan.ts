import { addDays, type UsageDate } from "@flowstate/shared/time";
import type { DayWindow, SyncSchedule } from "./connector.ts";

/** UTC days that have been pulled whole; they have no gap. */
export interface Covered {
  readonly fromDay: UsageDate;
  readonly untilDay: UsageDate;
}

/**
 * What the next sync pulls, in that order: first the newest days with all that the vendor may still change, because
 * that is what people look at, then the past in steps backwards. A sync that stops anywhere goes on from what is
 * covered by then.
 */
export function planWindows(
  covered: Covered | null,
  today: UsageDate,
  { rereadDays, backfillDays, windowDays }: Pick<SyncSchedule, "rereadDays" | "backfillDays" | "windowDays">,
): readonly DayWindow[] {
  const oldest = addDays(today, -backfillDays);
  const trailing = laterOf(oldest, addDays(today, -rereadDays));
  const start = covered === null ? trailing : startAfter(covered);
  const forwards = split({ from: start, until: today }, windowDays);
  const known = covered === null ? start : earlierOf(start, covered.fromDay);
  const backwards =
    oldest < known ? split({ from: oldest, until: addDays(known, -1) }, windowDays).reverse() : [];
  return [...forwards, ...backwards];

  /** From what may have changed since the last pull, but without a gap to what is covered. */
  function startAfter({ fromDay, untilDay }: Covered): UsageDate {
    const changeable = laterOf(oldest, addDays(untilDay, -rereadDays));
    return earlierOf(today, laterOf(fromDay, earlierOf(trailing, changeable)));
  }
}

/** What is covered once a window has been pulled whole; of two that do not touch, the newer one. */
export function extendCovered(covered: Covered | null, { from, until }: DayWindow): Covered {
  if (covered === null) return { fromDay: from, untilDay: until };
  const touches = from <= addDays(covered.untilDay, 1) && until >= addDays(covered.fromDay, -1);
  if (!touches) return until > covered.untilDay ? { fromDay: from, untilDay: until } : covered;
  return { fromDay: earlierOf(covered.fromDay, from), untilDay: laterOf(covered.untilDay, until) };
}

/** The window in pieces of at most so many days. */
export function split({ from, until }: DayWindow, windowDays: number): DayWindow[] {
  const pieces: DayWindow[] = [];
  for (let day = from; day <= until; day = addDays(day, windowDays)) {
    pieces.push({ from: day, until: earlierOf(addDays(day, windowDays - 1), until) });
  }
  return pieces;
}

function earlierOf(a: UsageDate, b: UsageDate): UsageDate {
  return a < b ? a : b;
}

function laterOf(a: UsageDate, b: UsageDate): UsageDate {
  return a > b ? a : b;
}
