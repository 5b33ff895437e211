import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { dayMs } from "@flowstate/shared/time";
import { daysBetween, overDays, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";
import { loadPersonDay, type PersonDay } from "../person-days.ts";
import { comparable, dollars, median, quantile, spreadOfLogs } from "../figures.ts";

const baselineDays = 28;
/** Days with spending from which a person has a usual day. */
const leastDays = 5;
const leastUsd = 25;
const leastOfNewcomerUsd = 100;
const graveUsd = 500;
const leastFactor = 6;
const mostFactor = 20;
const deviations = 4;

export const spendSpike: Detector = {
  types: ["spend_spike"],
  cadence: "soon",
  find: (scope) => overDays(scope, (day) => findOn(scope, day)),
};

async function findOn(scope: Scope, day: Day): Promise<readonly Finding[]> {
  const { db, orgId, personOf, namesOf } = scope;
  const spent = sumByPerson(await loadPersonDay(db, orgId, day.date), personOf);
  const candidates = [...spent].filter(([, paid]) => comparable(paid) >= leastUsd);
  if (candidates.length === 0) return [];
  const names = candidates.flatMap(([person]) => namesOf(person));
  const history = await historyOf(scope, day, names);
  let everybody: readonly number[] | null = null;
  const findings: Finding[] = [];
  for (const [person, paid] of candidates) {
    const own = history.get(person) ?? [];
    if (own.length < leastDays) everybody ??= [...(await historyOf(scope, day, null)).values()].flat();
    const spike = judgeDay(comparable(paid), own, everybody ?? []);
    if (spike === null) continue;
    findings.push({
      type: "spend_spike",
      severity: spike.isGrave ? "BLOCK" : "WARN",
      subject: person,
      sessionId: null,
      service: null,
      about: "",
      occurrence: day.date,
      at: day.from,
      evidence: {
        day: day.date,
        paidUsd: formatUsd(paid),
        usualDayUsd: dollars(spike.usualUsd),
        limitUsd: dollars(spike.limitUsd),
        comparedWith: spike.comparedWith,
        daysWithSpending: own.length,
      },
    });
  }
  return findings;
}

/** Dollars of the days with spending in the four weeks before, by person. */
async function historyOf(
  { db, orgId, personOf }: Scope,
  day: Day,
  names: readonly string[] | null,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const history = new Map<string, number[]>();
  for (const { date } of daysBetween(day.from - baselineDays * dayMs, day.from)) {
    for (const [person, paid] of sumByPerson(await loadPersonDay(db, orgId, date, names), personOf)) {
      if (paid <= 0n) continue;
      const known = history.get(person);
      if (known === undefined) history.set(person, [comparable(paid)]);
      else known.push(comparable(paid));
    }
  }
  return history;
}

function sumByPerson(rows: readonly PersonDay[], personOf: Scope["personOf"]): ReadonlyMap<string, NanoUsd> {
  const sums = new Map<string, NanoUsd>();
  for (const { subject, paidNanoUsd } of rows) {
    const person = personOf(subject);
    sums.set(person, ((sums.get(person) ?? 0n) + paidNanoUsd) as NanoUsd);
  }
  return sums;
}

export interface Spike {
  readonly usualUsd: number;
  readonly limitUsd: number;
  readonly comparedWith: "own days" | "everybody's days";
  readonly isGrave: boolean;
}

/**
 * Whether a day's spending is a spike against the person's own days; who has too few of them is compared with the
 * dearest of everybody's. Spending varies by factors, so the spread is taken of logarithms.
 */
export function judgeDay(
  paidUsd: number,
  own: readonly number[],
  everybody: readonly number[],
): Spike | null {
  const isKnown = own.length >= leastDays;
  const usualUsd = isKnown ? median(own) : quantile(everybody, 0.95);
  const factor = isKnown ? factorOf(own) : leastFactor;
  const limitUsd = Math.max(isKnown ? leastUsd : leastOfNewcomerUsd, usualUsd * factor);
  if (paidUsd < limitUsd) return null;
  return {
    usualUsd,
    limitUsd,
    comparedWith: isKnown ? "own days" : "everybody's days",
    isGrave: paidUsd >= graveUsd && paidUsd >= 5 * limitUsd,
  };
}

/** How many times the usual day is a spike: four standard deviations, and more where few days are known. */
function factorOf(own: readonly number[]): number {
  const spread = spreadOfLogs(own) * (1 + 3 / own.length);
  return Math.min(mostFactor, Math.max(leastFactor, Math.exp(deviations * spread)));
}
