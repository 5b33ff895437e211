import type { PolicyRule } from "@flowstate/shared/policy/document";
import { countsSpendOf } from "@flowstate/shared/policy/judge";
import { addDays, periodOfDate, type UsageDate } from "@flowstate/shared/time";

/** What each of whom a rule counts has spent in the rule's window; days come in order. */
export interface SpendWindow {
  /** Begins a day: what left the window is forgotten. */
  begin(day: UsageDate): void;
  add(person: string, provider: string, nanoUsd: bigint): void;
  spentBy(person: string): bigint;
}

/** Null for a rule that is not about spend. */
export function createSpendWindow(rule: PolicyRule): SpendWindow | null {
  if (rule.type === "MONTHLY_SPEND_CAP_PER_SUBJECT") return monthWindow(rule);
  return rule.type === "BUDGET_CROSS_PROVIDER" ? rollingWindow(rule) : null;
}

/** First day whose spend a rule may need for a window that begins on `day`. */
export function firstDayFor(rule: PolicyRule, day: UsageDate): UsageDate {
  if (rule.type === "MONTHLY_SPEND_CAP_PER_SUBJECT") return `${periodOfDate(day)}-01` as UsageDate;
  return rule.type === "BUDGET_CROSS_PROVIDER" ? addDays(day, 1 - rule.windowDays) : day;
}

function monthWindow(rule: PolicyRule): SpendWindow {
  let month = "";
  let spent = new Map<string, bigint>();
  return {
    begin(day) {
      if (periodOfDate(day) !== month) spent = new Map();
      month = periodOfDate(day);
    },
    add(person, provider, nanoUsd) {
      if (countsSpendOf(rule, provider)) spent.set(person, (spent.get(person) ?? 0n) + nanoUsd);
    },
    spentBy: (person) => spent.get(person) ?? 0n,
  };
}

function rollingWindow(rule: Extract<PolicyRule, { type: "BUDGET_CROSS_PROVIDER" }>): SpendWindow {
  const days: { readonly day: UsageDate; readonly spent: Map<string, bigint> }[] = [];
  const totals = new Map<string, bigint>();
  const keyOf = (person: string): string => (rule.per === "scope" ? "" : person);
  return {
    begin(day) {
      const oldest = firstDayFor(rule, day);
      while (days[0] !== undefined && days[0].day < oldest) {
        for (const [key, spent] of days[0].spent) totals.set(key, (totals.get(key) ?? 0n) - spent);
        days.shift();
      }
      days.push({ day, spent: new Map() });
    },
    add(person, provider, nanoUsd) {
      const today = days.at(-1)?.spent;
      if (today === undefined || !countsSpendOf(rule, provider)) return;
      const key = keyOf(person);
      today.set(key, (today.get(key) ?? 0n) + nanoUsd);
      totals.set(key, (totals.get(key) ?? 0n) + nanoUsd);
    },
    spentBy: (person) => totals.get(keyOf(person)) ?? 0n,
  };
}
