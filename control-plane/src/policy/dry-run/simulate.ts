import { must } from "@flowstate/shared/assert";
import type { PolicyAction, PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";
import {
  createJudge,
  takesEffect,
  type Judge,
  type JudgedCall,
  type Verdict,
} from "@flowstate/shared/policy/judge";
import { type UsageDate } from "@flowstate/shared/time";
import type { Memberships } from "../memberships.ts";
import { createSpendWindow, type SpendWindow } from "./spends.ts";

/** What one person did in an hour that a rule cannot tell apart. */
export interface UsageCell extends JudgedCall {
  readonly hour: number;
  /** The person's own address, or a service account. */
  readonly person: string;
  readonly calls: bigint;
  /** List price of all these calls. */
  readonly costNanoUsd: bigint;
  /** The part that is paid by the call, which alone is spend. */
  readonly paidNanoUsd: bigint;
}

/** What calls of the past would have met. */
export interface Tally {
  readonly calls: bigint;
  readonly costNanoUsd: bigint;
}

export interface RuleOutcome extends Tally {
  readonly rule: PolicyRule;
  readonly people: number;
  /** Calls of which it cannot be known whether they break the rule; they are in `calls` where the rule is closed. */
  readonly unknownCalls: bigint;
  readonly firstAt: number | null;
  /** Why nothing can be said; null where it can. */
  readonly notTried: string | null;
}

export interface PersonOutcome {
  readonly person: string;
  readonly blocked: Tally;
  readonly warnedCalls: bigint;
  readonly observedCalls: bigint;
  /** Names of the rules that they broke. */
  readonly rules: readonly string[];
  /** Hour of the first call that would have been blocked. */
  readonly firstBlockedAt: number | null;
}

export interface DryRun {
  readonly calls: bigint;
  readonly blocked: Tally;
  readonly warnedCalls: bigint;
  readonly observedCalls: bigint;
  readonly rules: readonly RuleOutcome[];
  /** Who would have noticed, the most often blocked first. */
  readonly people: readonly PersonOutcome[];
}

export interface Simulation {
  /** Takes the spend of a day before the first that is judged. */
  before(day: UsageDate, cells: readonly UsageCell[]): void;
  /** Judges a day. Days come in order, a day's cells by hour. */
  judge(day: UsageDate, cells: readonly UsageCell[]): void;
  finish(): DryRun;
}

/**
 * What a policy would have done to calls of the past. Every hour is judged by what was spent before it, and what a
 * block would have stopped is not spent.
 */
export function createSimulation({ rules }: PolicyDocument, memberships: Memberships): Simulation {
  const tried = rules.map((rule) => createRuleRun(rule, memberships));
  const people = new Map<string, PersonRun>();
  let calls = 0n;
  const personRun = (person: string): PersonRun => {
    const known = people.get(person) ?? { ...emptyPerson, rules: new Set<string>() };
    people.set(person, known);
    return known;
  };
  /** The strictest action of the rules that a cell breaks; null where it breaks none. */
  const judgeCell = (cell: UsageCell, day: UsageDate): PolicyAction | null => {
    let strictest: PolicyAction | null = null;
    for (const run of tried) {
      if (!run.take(cell, day)) continue;
      if (strictest === null || strictness[run.rule.action] > strictness[strictest]) {
        strictest = run.rule.action;
      }
      personRun(cell.person).rules.add(run.rule.name);
    }
    return strictest;
  };
  return {
    before(day, cells) {
      for (const run of tried) run.begin(day);
      for (const cell of cells) for (const run of tried) run.spend(cell);
    },
    judge(day, cells) {
      for (const run of tried) run.begin(day);
      for (const [, hour] of Map.groupBy(cells, (cell) => cell.hour)) {
        const passed = hour.filter((cell) => {
          calls += cell.calls;
          const action = judgeCell(cell, day);
          if (action !== null) addToPerson(personRun(cell.person), cell, action);
          return action !== "BLOCK";
        });
        for (const cell of passed) for (const run of tried) run.spend(cell);
      }
    },
    finish: () => ({
      calls,
      ...summed([...people.values()]),
      rules: tried.map((run) => run.finish()),
      people: ranked(people),
    }),
  };
}

const strictness: Readonly<Record<PolicyAction, number>> = { OBSERVE: 1, WARN: 2, BLOCK: 3 };

interface RuleRun {
  readonly rule: PolicyRule;
  begin(day: UsageDate): void;
  /** Whether the rule takes effect on the cell. */
  take(cell: UsageCell, day: UsageDate): boolean;
  spend(cell: UsageCell): void;
  finish(): RuleOutcome;
}

function createRuleRun(rule: PolicyRule, memberships: Memberships): RuleRun {
  const notTried = whyNotTried(rule);
  const judge: Judge = notTried === null ? createJudge(rule) : () => "kept";
  const spends: SpendWindow | null = createSpendWindow(rule);
  const isIn = remembered((person) => memberships.isIn(rule.scope, person));
  const people = new Set<string>();
  let [calls, costNanoUsd, unknownCalls] = [0n, 0n, 0n];
  let firstAt: number | null = null;
  const verdictOf = (cell: UsageCell, day: UsageDate): Verdict =>
    judge(cell, {
      spentNanoUsd: () => must(spends, "only rules about spend ask for it").spentBy(cell.person),
      hasCostCentre: () => memberships.hasCostCentre(cell.person, day),
      holdsContent: () => null,
    });
  return {
    rule,
    begin: (day) => spends?.begin(day),
    take(cell, day) {
      if (!isIn(cell.person)) return false;
      const verdict = verdictOf(cell, day);
      if (verdict === "unknown") unknownCalls += cell.calls;
      if (!takesEffect(rule, verdict)) return false;
      calls += cell.calls;
      costNanoUsd += cell.costNanoUsd;
      people.add(cell.person);
      firstAt ??= cell.hour;
      return true;
    },
    spend(cell) {
      if (spends !== null && isIn(cell.person)) spends.add(cell.person, cell.provider, cell.paidNanoUsd);
    },
    finish: () => ({ rule, calls, costNanoUsd, people: people.size, unknownCalls, firstAt, notTried }),
  };
}

function whyNotTried(rule: PolicyRule): string | null {
  if (rule.type !== "CONTENT_DLP") return null;
  const what = rule.in === "answer" ? "answered" : "sent";
  return `what was ${what} is not kept, so that nobody can say what it held; let the rule observe for a while`;
}

function remembered(find: (person: string) => boolean): (person: string) => boolean {
  const known = new Map<string, boolean>();
  return (person) => {
    const found = known.get(person) ?? find(person);
    known.set(person, found);
    return found;
  };
}

interface PersonRun {
  blockedCalls: bigint;
  blockedCost: bigint;
  warnedCalls: bigint;
  observedCalls: bigint;
  firstBlockedAt: number | null;
  readonly rules: Set<string>;
}

const emptyPerson = {
  blockedCalls: 0n,
  blockedCost: 0n,
  warnedCalls: 0n,
  observedCalls: 0n,
  firstBlockedAt: null,
};

function addToPerson(run: PersonRun, cell: UsageCell, action: PolicyAction): void {
  if (action === "WARN") run.warnedCalls += cell.calls;
  if (action === "OBSERVE") run.observedCalls += cell.calls;
  if (action !== "BLOCK") return;
  run.blockedCalls += cell.calls;
  run.blockedCost += cell.costNanoUsd;
  run.firstBlockedAt ??= cell.hour;
}

function summed(people: readonly PersonRun[]): Pick<DryRun, "blocked" | "warnedCalls" | "observedCalls"> {
  const sum = (of: (run: PersonRun) => bigint): bigint => people.reduce((total, run) => total + of(run), 0n);
  return {
    blocked: { calls: sum((run) => run.blockedCalls), costNanoUsd: sum((run) => run.blockedCost) },
    warnedCalls: sum((run) => run.warnedCalls),
    observedCalls: sum((run) => run.observedCalls),
  };
}

function ranked(people: ReadonlyMap<string, PersonRun>): readonly PersonOutcome[] {
  return [...people]
    .map(([person, run]): PersonOutcome => ({
      person,
      blocked: { calls: run.blockedCalls, costNanoUsd: run.blockedCost },
      warnedCalls: run.warnedCalls,
      observedCalls: run.observedCalls,
      rules: [...run.rules],
      firstBlockedAt: run.firstBlockedAt,
    }))
    .sort(
      (a, b) =>
        descending(a.blocked.calls, b.blocked.calls) ||
        descending(a.warnedCalls, b.warnedCalls) ||
        descending(a.observedCalls, b.observedCalls) ||
        (a.person < b.person ? -1 : 1),
    );
}

function descending(a: bigint, b: bigint): number {
  return a === b ? 0 : a > b ? -1 : 1;
}
