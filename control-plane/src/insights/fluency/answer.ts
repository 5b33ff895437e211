import { FlowstateError } from "@flowstate/shared/errors";
import { addDays, dateOf, type UsageDate } from "@flowstate/shared/time";
import type { Principal } from "../../access/check.ts";
import type { Reader } from "../../store/open.ts";
import { loadFluency } from "./load.ts";
import { loadDirectory, membersOf, type FluencyScope } from "./scope.ts";
import { scoreFluency, type FluencyScores } from "./score.ts";

export interface FluencyRollup extends FluencyScores {
  readonly windowDays: number;
}

export interface FluencyWeek extends FluencyScores {
  /** Monday. */
  readonly weekStart: UsageDate;
}

interface Asked {
  readonly scope: FluencyScope;
  readonly windowDays: number;
  readonly now: number;
}

export const windowBounds = { least: 7, most: 90 } as const;
export const mostWeeks = 52;

/** Scores of the last days, today included. Throws FS_FORBIDDEN, FS_NOT_FOUND, FS_INPUT_INVALID. */
export async function fluencyRollup(db: Reader, caller: Principal, asked: Asked): Promise<FluencyRollup> {
  const { scope, windowDays, now } = asked;
  requireBetween("windowDays", windowDays, windowBounds);
  const { belongs, leastPeople } = membersOf(scope, caller, await loadDirectory(db, caller));
  const everybody = await loadFluency(db, caller.orgId, lastDays(dateOf(now), windowDays));
  return { windowDays, ...scoreFluency(everybody, belongs, leastPeople) };
}

/** The same as of the end of each of the last weeks, the oldest first; the current week ends today. */
export async function fluencyTrend(
  db: Reader,
  caller: Principal,
  { scope, windowDays, now, weeks }: Asked & { readonly weeks: number },
): Promise<readonly FluencyWeek[]> {
  requireBetween("windowDays", windowDays, windowBounds);
  requireBetween("weeks", weeks, { least: 1, most: mostWeeks });
  const { belongs, leastPeople } = membersOf(scope, caller, await loadDirectory(db, caller));
  const today = dateOf(now);
  const found: FluencyWeek[] = [];
  for (let back = weeks - 1; back >= 0; back -= 1) {
    const weekStart = addDays(mondayOf(today), -7 * back);
    const end = back === 0 ? today : addDays(weekStart, 6);
    const everybody = await loadFluency(db, caller.orgId, lastDays(end, windowDays));
    found.push({ weekStart, ...scoreFluency(everybody, belongs, leastPeople) });
  }
  return found;
}

function lastDays(endDate: UsageDate, days: number) {
  return { startDate: addDays(endDate, 1 - days), endDate };
}

/** The Monday of a day's week (ISO 8601). */
function mondayOf(day: UsageDate): UsageDate {
  return addDays(day, -((new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7));
}

function requireBetween(name: string, value: number, { least, most }: { least: number; most: number }): void {
  if (value < least || value > most)
    throw new FlowstateError("FS_INPUT_INVALID", `${name}: expected ${least} to ${most}`);
}
