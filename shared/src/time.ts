import type { Brand } from "./brand.ts";
import { ok, refuse, type Parsed } from "./parsed.ts";

/** UTC calendar month, `YYYY-MM`. */
export type Period = Brand<string, "Period">;

/** UTC calendar day, `YYYY-MM-DD`. */
export type UsageDate = Brand<string, "UsageDate">;

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/**
 * Milliseconds until the next whole minute, hour, or other span since 1970: what waits for the same moment is woken once.
 * A moment that is all but there is passed over, since a timer may be a little early.
 */
export function untilNext(spanMs: number, now: number): number {
  const leftMs = spanMs - (now % spanMs);
  return leftMs < spanMs / 10 ? leftMs + spanMs : leftMs;
}

export function parsePeriod(text: string): Parsed<Period, "not_a_period"> {
  const month = /^(\d{4})-(\d{2})$/.exec(text);
  const inRange =
    month !== null && Number(month[2]) >= 1 && Number(month[2]) <= 12 && Number(month[1]) >= 2000;
  return inRange
    ? ok(text as Period)
    : refuse("not_a_period", `"${text.slice(0, 40)}" is not a calendar month such as 2026-11`);
}

export function parseUsageDate(text: string): Parsed<UsageDate, "not_a_date"> {
  const refusal = refuse("not_a_date", `"${text.slice(0, 40)}" is not a day such as 2026-11-20`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return refusal;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(at) && dateOf(at) === text ? ok(text as UsageDate) : refusal;
}

/** An RFC 3339 instant with a zone (`2026-10-03T09:12:44.120Z`, `…+02:00`) as UTC epoch milliseconds. */
export function parseInstant(text: string): Parsed<number, "not_an_instant"> {
  const shaped = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})$/i.test(text);
  const at = shaped ? Date.parse(text) : Number.NaN;
  return Number.isFinite(at)
    ? ok(at)
    : refuse("not_an_instant", `"${text.slice(0, 40)}" is not a UTC instant such as 2026-11-20T09:00:00Z`);
}

export function dateOf(at: number): UsageDate {
  return new Date(at).toISOString().slice(0, 10) as UsageDate;
}

export function periodOf(at: number): Period {
  return new Date(at).toISOString().slice(0, 7) as Period;
}

export function periodOfDate(date: UsageDate): Period {
  return date.slice(0, 7) as Period;
}

export function hourOf(at: number): number {
  return Math.floor(at / hourMs) * hourMs;
}

/** First instant of the period and first instant after it. */
export function periodBounds(period: Period): { readonly from: number; readonly to: number } {
  return {
    from: Date.parse(`${period}-01T00:00:00Z`),
    to: Date.parse(`${addMonths(period, 1)}-01T00:00:00Z`),
  };
}

export function addMonths(period: Period, months: number): Period {
  const [year, month] = period.split("-").map(Number) as [number, number];
  const index = year * 12 + (month - 1) + months;
  return `${String(Math.floor(index / 12)).padStart(4, "0")}-${String((((index % 12) + 12) % 12) + 1).padStart(2, "0")}` as Period;
}

export function addDays(date: UsageDate, days: number): UsageDate {
  return dateOf(Date.parse(`${date}T00:00:00Z`) + days * dayMs);
}
