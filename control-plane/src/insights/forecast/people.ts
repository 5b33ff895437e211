import { setImmediate as breathe } from "node:timers/promises";
import { addMonths, periodOfDate, type Period } from "@flowstate/shared/time";
import { projectCurrentMonth } from "./current-month.ts";
import type { ForecastFacts, ForecastPerson, MonthSpend } from "./facts.ts";
import { createShares, spanOfMonth, type Share } from "./shares.ts";

export const monthsAhead = 6;

/** A person's spend by month, and where each month's spend goes. */
export interface PersonHistory {
  readonly person: ForecastPerson;
  /** Index into `Timeline.months` of the first month with a spend. */
  readonly from: number;
  /** Whole months from there on; a month without a spend is 0. */
  readonly history: readonly number[];
  /** The month of `today` as it will have been, and how much of it is still to come. */
  readonly current: number;
  readonly open: number;
  /** By index into months, the current one and those ahead included. */
  readonly projects: readonly (readonly Share[])[];
  readonly teams: readonly (readonly Share[])[];
}

export interface Timeline {
  /** Whole months, oldest first; then `current`, then those ahead. */
  readonly months: readonly Period[];
  readonly current: Period;
  readonly ahead: readonly Period[];
}

export function timelineOf({ today, spends }: ForecastFacts): Timeline {
  const current = periodOfDate(today);
  const first = spends.reduce((least, { period }) => (period < least ? period : least), current);
  const months: Period[] = [];
  for (let month = first; month < current; month = addMonths(month, 1)) months.push(month);
  return {
    months,
    current,
    ahead: Array.from({ length: monthsAhead }, (_, step) => addMonths(current, step + 1)),
  };
}

/** It stops every few hundred people, so that others have their turn. */
export async function peopleOf(
  facts: ForecastFacts,
  { months, current, ahead }: Timeline,
): Promise<readonly PersonHistory[]> {
  const known = new Map(facts.people.map((person) => [person.subject, person]));
  const shares = createShares(facts.allocations, usualProjects(facts.spends, addMonths(current, -3)));
  const all = [...months, current, ...ahead].map(spanOfMonth);
  const spent = [...Map.groupBy(facts.spends, ({ subject }) => subject)].sort(([a], [b]) => (a < b ? -1 : 1));
  const people: PersonHistory[] = [];
  for (const [index, [subject, own]] of spent.entries()) {
    const person = known.get(subject) ?? { subject, employeeId: null, active: true, teamId: null };
    const { from, history } = historyOf(own, months);
    const { expected, open } = projectCurrentMonth(facts.days.get(subject) ?? [], facts.today);
    people.push({
      person,
      from,
      history,
      current: expected,
      open,
      projects: all.map((span) => shares.projects(person, span)),
      teams: all.map((span) => shares.teams(person, span)),
    });
    if (index % 250 === 249) await breathe();
  }
  return people;
}

/** Whole months from the first one with a spend. */
function historyOf(
  own: readonly MonthSpend[],
  months: readonly Period[],
): Pick<PersonHistory, "from" | "history"> {
  const sums = new Map<Period, number>();
  for (const { period, nanoUsd } of own) sums.set(period, (sums.get(period) ?? 0) + Number(nanoUsd));
  const first = months.findIndex((month) => sums.has(month));
  const from = first === -1 ? months.length : first;
  return { from, history: months.slice(from).map((month) => sums.get(month) ?? 0) };
}

/** How each person's calls named projects since that month. */
function usualProjects(spends: readonly MonthSpend[], since: Period): ReadonlyMap<string, readonly Share[]> {
  const recent = spends.filter(({ period, nanoUsd }) => period >= since && nanoUsd > 0n);
  return new Map(
    [...Map.groupBy(recent, ({ subject }) => subject)].map(([subject, own]) => {
      const weights = new Map<string | null, bigint>();
      for (const { projectId, nanoUsd } of own)
        weights.set(projectId, (weights.get(projectId) ?? 0n) + nanoUsd);
      return [subject, [...weights].map(([id, weight]) => ({ id, weight }))] as const;
    }),
  );
}
