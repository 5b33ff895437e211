import test from "ava";
import fc from "fast-check";
import { newOrgId } from "@flowstate/shared/ids";
import { fluencyIndicators } from "@flowstate/shared/wire/fluency";
import type { Principal } from "../../access/check.ts";
import { roles, type Role } from "../../access/roles.ts";
import { competencies, indicatorFacts } from "./indicators.ts";
import type { Managed } from "../../directory/managers.ts";
import { membersOf, type Directory, type FluencyScope } from "./scope.ts";
import {
  addShares,
  fewestConversations,
  fewestPeople,
  scoreFluency,
  type PersonFluency,
  type Share,
  type Shares,
} from "./score.ts";

const everywhere = (share: Share): Shares =>
  Object.fromEntries(fluencyIndicators.map((name) => [name, share])) as unknown as Shares;

const person = (name: string, share: Share, ruleVersion = 1): PersonFluency => ({
  person: name,
  ruleVersion,
  conversations: share.sample,
  shares: everywhere(share),
});

const anyone = (): boolean => true;

const share = fc.nat(40).chain((sample) => fc.nat(sample).map((present) => ({ present, sample })));
const people = fc
  .uniqueArray(fc.constantFrom(...Array.from("abcdefghijkl")), { minLength: 1 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(fc.tuple(...fluencyIndicators.map(() => share)), fc.nat(3))
          .map(([shares, more]): PersonFluency => {
            const byName = Object.fromEntries(fluencyIndicators.map((key, index) => [key, shares[index]]));
            const conversations = more + Math.max(...shares.map(({ sample }) => sample));
            return { person: name, ruleVersion: 1, conversations, shares: byName as unknown as Shares };
          }),
      ),
    ),
  );

test("a whole is the sum of its parts, and nothing is told of fewer than five", (t) => {
  fc.assert(
    fc.property(people, fc.func(fc.boolean()), (everybody, choose) => {
      const whole = scoreFluency(everybody, anyone, 1);
      const alone = everybody.map((one) => scoreFluency(everybody, (name) => name === one.person, 1));
      const parts = [choose, (name: string) => !choose(name)].map((half) => scoreFluency(everybody, half, 1));
      for (const split of [alone, parts]) {
        t.is(
          whole.sampleSize,
          split.reduce((total, { sampleSize }) => total + sampleSize, 0),
        );
        const counts = ({ competencies: all }: typeof whole) =>
          all.flatMap(({ indicators }) =>
            indicators.flatMap(({ present, sampleSize }) => [present, sampleSize]),
          );
        const summed = split.map(counts).reduce((a, b) => a.map((value, index) => value + (b[index] ?? 0)));
        t.deepEqual(counts(whole), summed);
      }
      const chosen = everybody.filter((one) => choose(one.person));
      const team = scoreFluency(everybody, choose, fewestPeople);
      t.is(team.withheld === "TOO_FEW_PEOPLE", chosen.length > 0 && chosen.length < fewestPeople);
      if (team.withheld !== null) {
        t.is(team.sampleSize, 0);
        t.true(
          team.competencies.every(({ indicators }) => indicators.every(({ sampleSize }) => sampleSize === 0)),
        );
      }
    }),
  );
});

test("every score lies between the least and the most prevalent of its indicators, or is unknown", (t) => {
  fc.assert(
    fc.property(people, (everybody) => {
      for (const { indicators, weightedScore, unweightedScore } of scoreFluency(everybody, anyone, 1)
        .competencies) {
        const known = indicators.flatMap(({ prevalence }) => (prevalence === null ? [] : [prevalence]));
        for (const { sampleSize, prevalence, delta, baseline, present } of indicators) {
          t.is(prevalence, sampleSize < fewestConversations ? null : present / sampleSize);
          t.is(delta, prevalence === null ? null : prevalence - baseline);
        }
        if (known.length < indicators.length || known.length === 0) {
          t.is(weightedScore, null);
          t.is(unweightedScore, null);
          continue;
        }
        for (const score of [weightedScore ?? -1, unweightedScore ?? -1]) {
          t.true(score >= Math.min(...known) - 1e-9 && score <= Math.max(...known) + 1e-9);
        }
      }
    }),
  );
});

test("a rare behaviour weighs more than a common one", (t) => {
  const shares = {
    ...everywhere({ present: 0, sample: 100 }),
    consults_on_approach: { present: 50, sample: 100 },
  };
  const everybody = [{ person: "ada", ruleVersion: 1, conversations: 100, shares }];
  const delegation = scoreFluency(everybody, anyone, 1).competencies.find(
    ({ competency }) => competency === "DELEGATION",
  );
  t.is(delegation?.unweightedScore, 0.25);
  const weights = [
    1 - indicatorFacts.clarifies_goal.baseline,
    1 - indicatorFacts.consults_on_approach.baseline,
  ];
  t.is(delegation?.weightedScore, (0.5 * (weights[1] ?? 0)) / ((weights[0] ?? 0) + (weights[1] ?? 0)));
  t.is(
    delegation?.summary,
    "Consults on the approach 40 points above the baseline; Clarifies the goal 51 points below the baseline.",
  );
});

test("diligence is shown and never scored; without conversations nothing is", (t) => {
  const scores = scoreFluency([person("ada", { present: 30, sample: 30 })], anyone, 1);
  t.deepEqual(
    scores.competencies.map(({ competency }) => competency),
    [...competencies],
  );
  t.like(scores.competencies.at(-1), { competency: "DILIGENCE", weightedScore: null, indicators: [] });
  t.like(scoreFluency([], anyone, 5), { withheld: "NO_CONVERSATIONS", ruleVersion: null, people: 0 });
});

test("results of two versions of the rules are never added up", (t) => {
  const old = ["a", "b", "c"].map((name) => person(name, { present: 1, sample: 10 }, 1));
  const fresh = person("d", { present: 5, sample: 29 }, 2);
  t.like(scoreFluency([...old, fresh], anyone, 1), { ruleVersion: 1, people: 3, sampleSize: 30 });
  const more = person("e", { present: 5, sample: 1 }, 2);
  t.like(scoreFluency([...old, fresh, more], anyone, 1), { ruleVersion: 2, people: 2, sampleSize: 30 });
  t.deepEqual(addShares([]), everywhere({ present: 0, sample: 0 }));
});

const colleague = (name: string, team: string | null, manager: string | null, active = 1n): Managed => ({
  employee_id: name,
  email: `${name}@example.com`,
  primary_team_id: team,
  manager_id: manager,
  active,
});

const directory: Directory = {
  teams: [
    { teamId: "all", parentId: null },
    { teamId: "web", parentId: "all" },
    { teamId: "ops", parentId: "all" },
    { teamId: "ring", parentId: "ring" },
  ],
  colleagues: [
    colleague("boss", null, null),
    colleague("lead", "all", "boss"),
    colleague("ada", "web", "lead"),
    colleague("bob", "ops", "gone"),
    colleague("gone", null, "boss", 0n),
    colleague("eve", "ring", "eve"),
  ],
  aliases: new Map([["ada@private.example", "ada@example.com"]]),
};

const member = (email: string, role: Role = "viewer"): Principal => ({
  kind: "member",
  orgId: newOrgId(),
  memberId: "m",
  email,
  role,
  permissions: new Set(roles[role]),
});
const key: Principal = { kind: "api_key", orgId: newOrgId(), keyId: "k", permissions: new Set(roles.owner) };

const ada = member("ada@example.com");
const team = (teamId: string): FluencyScope => ({ kind: "TEAM", teamId });
const one = (id: string | null): FluencyScope => ({ kind: "PERSON", id });
const cases: readonly [who: string, caller: Principal, scope: FluencyScope, answer: string][] = [
  ["a viewer, of the organisation", ada, { kind: "ORG" }, "ada bob boss eve gone lead stranger, 5 at least"],
  ["a person, of herself", ada, one(null), "ada, 1 at least"],
  ["a person, by employee", ada, one("ada"), "ada, 1 at least"],
  [
    "a person, by another address of hers",
    member("ada@private.example"),
    one("ADA@example.com"),
    "ada, 1 at least",
  ],
  ["a colleague", ada, one("bob"), "FS_FORBIDDEN"],
  ["her manager, of a person", member("lead@example.com", "owner"), one("ada"), "FS_FORBIDDEN"],
  ["a key, of a person", key, one("ada@example.com"), "FS_FORBIDDEN"],
  ["a key, of nobody", key, one(null), "FS_FORBIDDEN"],
  ["a manager, of the team", member("lead@example.com"), team("web"), "ada, 5 at least"],
  ["a manager's manager", member("boss@example.com"), team("web"), "ada, 5 at least"],
  [
    "a manager, of a team above with people of his",
    member("boss@example.com"),
    team("all"),
    "ada bob lead, 5 at least",
  ],
  ["a manager who has left", member("gone@example.com"), team("ops"), "FS_FORBIDDEN"],
  ["above a manager who has left", member("boss@example.com"), team("ops"), "bob, 5 at least"],
  ["a manager, of another's team", member("lead@example.com"), team("ops"), "FS_FORBIDDEN"],
  ["a person, of her team", ada, team("web"), "FS_FORBIDDEN"],
  ["who governs, of any team", member("x@example.com", "admin"), team("ops"), "bob, 5 at least"],
  ["a key that governs", key, team("ring"), "eve, 5 at least"],
  ["a team that there is not", key, team("none"), "FS_NOT_FOUND"],
];
for (const [who, caller, scope, answer] of cases) {
  test(`${who} -> ${answer}`, (t) => {
    const names = ["ada", "bob", "boss", "eve", "gone", "lead", "stranger"];
    const asked = (): string => {
      try {
        const { belongs, leastPeople } = membersOf(scope, caller, directory);
        const found = names.filter((name) => belongs(`${name}@example.com`));
        return `${found.join(" ")}, ${leastPeople} at least`;
      } catch (error) {
        return error instanceof Error && "code" in error ? String(error.code) : "a bug";
      }
    };
    t.is(asked(), answer);
  });
}
