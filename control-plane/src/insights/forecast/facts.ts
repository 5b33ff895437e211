import type { Period, UsageDate } from "@flowstate/shared/time";
import type { DayAmount } from "./current-month.ts";

/** What a person spent on a project; null where calls named none that the directory knows. */
export interface Spend {
  readonly subject: string;
  readonly projectId: string | null;
  readonly nanoUsd: bigint;
}

export interface MonthSpend extends Spend {
  readonly period: Period;
}

export interface StaffedPerson {
  readonly subject: string;
  /** Null for a subject that the directory does not know. */
  readonly employeeId: string | null;
  readonly teamId: string | null;
}

export interface ForecastPerson extends StaffedPerson {
  readonly active: boolean;
}

export interface Allocation {
  readonly employeeId: string;
  readonly projectId: string | null;
  readonly teamId: string | null;
  readonly ftePpm: bigint;
  readonly fromDay: string;
  /** Last day; null while it lasts. */
  readonly untilDay: string | null;
}

/** Everything that a forecast is made from: what was paid for usage by person, project and month, and who works where. */
export interface ForecastFacts {
  /** The day on which the forecast is made; of it nothing is known yet. */
  readonly today: UsageDate;
  /** Months before the current one and the current one, so far as it has come. */
  readonly spends: readonly MonthSpend[];
  /** The last thirty days, the last one before `today`. */
  readonly recent: readonly Spend[];
  /** The last days of each person, the current month among them. */
  readonly days: ReadonlyMap<string, readonly DayAmount[]>;
  readonly people: readonly ForecastPerson[];
  readonly allocations: readonly Allocation[];
  readonly projectIds: readonly string[];
  readonly teamIds: readonly string[];
}
