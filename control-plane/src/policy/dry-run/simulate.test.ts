/** The simulation against one that keeps every call it let pass and sums them up anew for each that comes. */
import test from "ava";
import fc from "fast-check";
import type { PolicyDocument, PolicyRule } from "@flowstate/shared/policy/document";
import { parsePolicyDocument } from "@flowstate/shared/policy/parse";
import { addDays, dateOf, dayMs, hourMs, periodOfDate, type UsageDate } from "@flowstate/shared/time";
import type { Memberships } from "../memberships.ts";
import { createSimulation, type UsageCell } from "./simulate.ts";

const firstDay = "2026-10-28" as UsageDate;
const days = 8;
const judgedFrom = addDays(firstDay, 3);

/** Everybody is in team `t` whose name begins with an `a`. */
const memberships: Memberships = {
  personOf: (subject) => subject,
  isIn: (scope, person) => scope.kind === "organisation" || person.startsWith("a"),
  addressesOf: (person) => [person],
  hasCostCentre: () => null,
  subjects: [],
};

const scope = fc.constantFrom({ kind: "organisation" }, { kind: "team", team: "t" });
const action = fc.constantFrom("OBSERVE", "WARN", "BLOCK");
const amount = fc.integer({ min: 0, max: 20 }).map(String);
const rules = fc.oneof(
  fc.record({
    type: fc.constant("MONTHLY_SPEND_CAP_PER_SUBJECT"),
    provider: fc.constantFrom("openai", "anthropic"),
    capUsd: amount,
    action,
    scope,
  }),
  fc.record({
    type: fc.constant("BUDGET_CROSS_PROVIDER"),
    budgetUsd: amount,
    windowDays: fc.integer({ min: 1, max: 4 }),
    per: fc.constantFrom("subject", "scope"),
    action,
    scope,
  }),
  fc.record({ type: fc.constant("PROVIDER_DENYLIST"), providers: fc.constant(["openai"]), action, scope }),
);

const documents = fc.array(rules, { minLength: 1, maxLength: 4 }).map((some): PolicyDocument => {
  const named = some.map((rule, index) => ({ name: `r${index}`, ...rule }));
  const parsed = parsePolicyDocument(JSON.stringify({ rules: named }));
  if (!parsed.ok) throw new Error(parsed.faults.join("\n"));
  return parsed.value;
});

const cells = fc
  .array(
    fc.record({
      hour: fc
        .integer({ min: 0, max: days * 4 - 1 })
        .map((quarter) => Date.parse(firstDay) + quarter * 6 * hourMs),
      person: fc.constantFrom("ada", "amy", "bob"),
      provider: fc.constantFrom("openai", "anthropic"),
      costNanoUsd: fc.bigInt({ min: 0n, max: 12n }).map((usd) => usd * 1_000_000_000n),
    }),
    { minLength: 10, maxLength: 40, size: "max" },
  )
  .map((all) =>
    all
      .map((cell): UsageCell => ({
        ...cell,
        host: null,
        model: null,
        calls: 1n,
        paidNanoUsd: cell.costNanoUsd,
      }))
      .sort((a, b) => a.hour - b.hour),
  );

interface Expected {
  readonly blocked: number;
  readonly byRule: readonly number[];
}

/** Slow and plain: what had been spent before a call's hour is summed up over all that passed. */
function expect({ rules: all }: PolicyDocument, given: readonly UsageCell[]): Expected {
  const passed: UsageCell[] = [];
  const byRule = all.map(() => 0);
  let blocked = 0;
  for (const cell of given) {
    const isJudged = dateOf(cell.hour) >= judgedFrom;
    const broken = isJudged ? all.filter((rule) => breaks(rule, cell, passed)) : [];
    for (const rule of broken) {
      const index = all.indexOf(rule);
      byRule[index] = (byRule[index] ?? 0) + 1;
    }
    if (broken.some((rule) => rule.action === "BLOCK")) blocked += 1;
    else passed.push(cell);
  }
  return { blocked, byRule };
}

function breaks(rule: PolicyRule, cell: UsageCell, passed: readonly UsageCell[]): boolean {
  if (!memberships.isIn(rule.scope, cell.person)) return false;
  if (rule.type === "PROVIDER_DENYLIST") return rule.providers.includes(cell.provider);
  const earlier = passed.filter((each) => each.hour < cell.hour && memberships.isIn(rule.scope, each.person));
  const spent = (counts: (each: UsageCell) => boolean): bigint =>
    earlier.filter(counts).reduce((sum, each) => sum + each.paidNanoUsd, 0n);
  if (rule.type === "MONTHLY_SPEND_CAP_PER_SUBJECT") {
    const month = periodOfDate(dateOf(cell.hour));
    const own = spent(
      (each) =>
        each.person === cell.person &&
        each.provider === rule.provider &&
        periodOfDate(dateOf(each.hour)) === month,
    );
    return cell.provider === rule.provider && own >= BigInt(rule.capUsd) * 1_000_000_000n;
  }
  if (rule.type !== "BUDGET_CROSS_PROVIDER") return false;
  const since = Date.parse(dateOf(cell.hour)) - (rule.windowDays - 1) * dayMs;
  const all = spent((each) => each.hour >= since && (rule.per === "scope" || each.person === cell.person));
  return all >= BigInt(rule.budgetUsd) * 1_000_000_000n;
}

test("spend by month and by rolling days is what a plain sum says, whatever else a policy blocks", (t) => {
  let blockedEver = 0;
  fc.assert(
    fc.property(documents, cells, (document, given) => {
      const simulation = createSimulation(document, memberships);
      for (let index = 0; index < days; index += 1) {
        const day = addDays(firstDay, index);
        const own = given.filter(({ hour }) => dateOf(hour) === day);
        if (day < judgedFrom) simulation.before(day, own);
        else simulation.judge(day, own);
      }
      const { calls, blocked, rules: outcomes, people } = simulation.finish();
      const expected = expect(document, given);
      blockedEver += expected.blocked;
      const judged = given.filter(({ hour }) => dateOf(hour) >= judgedFrom).length;
      return (
        calls === BigInt(judged) &&
        blocked.calls === BigInt(expected.blocked) &&
        people.reduce((sum, person) => sum + person.blocked.calls, 0n) === blocked.calls &&
        outcomes.every((outcome, index) => outcome.calls === BigInt(expected.byRule[index] ?? 0))
      );
    }),
    { numRuns: 500 },
  );
  t.true(blockedEver > 500, `${blockedEver} blocks in all`);
});
