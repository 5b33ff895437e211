import { addDays, addMonths, periodOfDate, type UsageDate } from "@flowstate/shared/time";

/** What one day came to; days that are missing came to nothing. */
export interface DayAmount {
  readonly day: UsageDate;
  readonly nanoUsd: bigint;
}

/** Whole weeks, so that each weekday weighs the same. */
const profileDays = 56;

export interface CurrentMonth {
  /** What the whole month will have come to: nano-USD, an estimate and therefore a number. */
  readonly expected: number;
  /** How much of the month is still to come, 0 to 1. */
  readonly open: number;
}

/**
 * The month of `today` as it will have been: what is known of the days before `today`, and for the days from `today` on the
 * usual amount of their weekday in the eight weeks before. Days before the first one with an amount say nothing.
 */
export function projectCurrentMonth(days: readonly DayAmount[], today: UsageDate): CurrentMonth {
  const month = periodOfDate(today);
  const end = `${addMonths(month, 1)}-01` as UsageDate;
  const known = days.filter(({ day }) => day < today);
  const toDate = known.reduce(
    (sum, { day, nanoUsd }) => (periodOfDate(day) === month ? sum + nanoUsd : sum),
    0n,
  );
  const usual = usualAmounts(known, today);
  let rest = 0;
  let open = 0;
  for (let day = today; day < end; day = addDays(day, 1)) {
    rest += usual[weekday(day)] ?? 0;
    open += 1;
  }
  return { expected: Number(toDate) + rest, open: open / (open + Number(today.slice(8)) - 1) };
}

/** Mean amount by weekday. A weekday that has not come yet is taken as the mean of those that have. */
function usualAmounts(known: readonly DayAmount[], today: UsageDate): readonly number[] {
  const from = addDays(today, -profileDays);
  const within = new Map(
    known.filter(({ day }) => day >= from).map(({ day, nanoUsd }) => [day, Number(nanoUsd)]),
  );
  const first = [...known].sort((a, b) => (a.day < b.day ? -1 : 1))[0]?.day;
  const totals = Array.from({ length: 7 }, () => ({ sum: 0, days: 0 }));
  if (first !== undefined) {
    for (let day = first > from ? first : from; day < today; day = addDays(day, 1)) {
      const own = totals[weekday(day)];
      if (own === undefined) continue;
      own.sum += within.get(day) ?? 0;
      own.days += 1;
    }
  }
  const all = totals.reduce((sum, own) => ({ sum: sum.sum + own.sum, days: sum.days + own.days }));
  const mean = all.days === 0 ? 0 : all.sum / all.days;
  return totals.map(({ sum, days }) => (days === 0 ? mean : sum / days));
}

function weekday(day: UsageDate): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}
