import type { UsageDate } from "@flowstate/shared/time";
import { addMonths, periodOfDate } from "@flowstate/shared/time";

export type ForecastConfidence = "LOW" | "MEDIUM" | "HIGH";

/** What speaks for and against a forecast. */
export interface Grounds {
  readonly today: UsageDate;
  /** Whole months of history. */
  readonly months: number;
  /** Spend of the last weeks, oldest first. */
  readonly weeks: readonly number[];
  /** Last day of the last allocation; null where one is open-ended or none is needed. */
  readonly allocatedUntil: string | null;
  /** Whether the last thirty days had a cost. */
  readonly recentCost: boolean;
  readonly mase: number | null;
}

/** Spread of weekly spend by its mean up to which usage counts as steady, and from which on as erratic. */
export const steadinessLimits = { steady: 0.35, erratic: 0.8 } as const;

/** Months of history, and months that allocations still run, that each grade takes. */
export const gradeLimits = {
  HIGH: { months: 12, allocated: 6 },
  MEDIUM: { months: 6, allocated: 3 },
} as const;

/**
 * HIGH: a year of history, steady use, allocations over the whole forecast, a cost in the last thirty days, and no worse than
 * a mean month's change when tried on the past. MEDIUM: half a year, use that is not erratic, allocations for three months, a cost
 * in the last thirty days. LOW: everything else.
 */
export function gradeForecast(grounds: Grounds): ForecastConfidence {
  const spread = spreadOf(grounds.weeks);
  if (!grounds.recentCost || spread === null) return "LOW";
  const reaches = ({ months, allocated }: { readonly months: number; readonly allocated: number }): boolean =>
    grounds.months >= months && runsFor(grounds, allocated);
  if (reaches(gradeLimits.HIGH) && spread <= steadinessLimits.steady && (grounds.mase ?? Infinity) < 1) {
    return "HIGH";
  }
  return reaches(gradeLimits.MEDIUM) && spread <= steadinessLimits.erratic ? "MEDIUM" : "LOW";
}

/** How weekly use is called in a rationale. */
export function describeUse(weeks: readonly number[]): string {
  const spread = spreadOf(weeks);
  if (spread === null) return "no recent use";
  if (spread <= steadinessLimits.steady) return "steady use";
  return spread <= steadinessLimits.erratic ? "uneven use" : "erratic use";
}

/** Standard deviation by mean; null where there was nothing. */
function spreadOf(weeks: readonly number[]): number | null {
  const mean = weeks.reduce((sum, value) => sum + value, 0) / Math.max(1, weeks.length);
  if (mean <= 0) return null;
  return Math.sqrt(weeks.reduce((sum, value) => sum + (value - mean) ** 2, 0) / weeks.length) / mean;
}

function runsFor({ today, allocatedUntil }: Grounds, months: number): boolean {
  return allocatedUntil === null || allocatedUntil.slice(0, 7) >= addMonths(periodOfDate(today), months);
}
