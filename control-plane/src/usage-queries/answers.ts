import type { NanoUsd } from "@flowstate/shared/money";
import { splitUsd } from "@flowstate/shared/money";
import { isServiceAccount } from "../service-accounts/subject.ts";
import type { Employee, TeamNode, UsageFacts } from "./facts.ts";

/** `BILLED`: the vendor's bills say so. `OBSERVED`: no bill is known, so it is what the observed calls cost. */
export type SpendBasis = "BILLED" | "OBSERVED";

export interface SystemUsage {
  readonly system: string;
  readonly basis: SpendBasis;
  readonly spend: NanoUsd;
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  readonly totalTokens: bigint;
  /** People who used it or were billed for it. */
  readonly seats: number;
}

export interface TeamSpend {
  readonly teamId: string;
  readonly team: string;
  readonly parentTeamId: string | null;
  /** The team's own, else that of the nearest team above it. */
  readonly costCentre: string | null;
  readonly headcount: number;
  readonly activeUsers: number;
  /** Active people by headcount; null without a headcount. */
  readonly adoptionRate: number | null;
  /** Of the team's own people; teams below it stand in rows of their own. */
  readonly spend: NanoUsd;
}

export interface PersonSpend {
  readonly subject: string;
  readonly name: string | null;
  readonly system: string;
  readonly primaryTeam: string | null;
  readonly spend: NanoUsd;
  readonly totalTokens: bigint;
}

/** Stands for money that no person can be found for, so that people add up to systems. */
export const unattributed = "(unattributed)";

/** Stands for people without a team, so that teams add up to people. */
export const noTeam = { teamId: "unassigned", team: "(no team)" } as const;

/** Spend, tokens and seats by system, the dearest first. */
export function summariseSystems(facts: UsageFacts): readonly SystemUsage[] {
  const people = spendByPerson(facts);
  const billed = new Set(facts.billed.map(({ system }) => system));
  const used = Map.groupBy(facts.observed, ({ system }) => system);
  return [...Map.groupBy(people, ({ system }) => system)]
    .map(([system, own]): SystemUsage => {
      const uses = used.get(system) ?? [];
      const inputTokens = sum(uses, (use) => use.inputTokens);
      const outputTokens = sum(uses, (use) => use.outputTokens);
      return {
        system,
        basis: billed.has(system) ? "BILLED" : "OBSERVED",
        spend: sum(own, ({ spend }) => spend) as NanoUsd,
        inputTokens,
        outputTokens,
        totalTokens: inputTokens + outputTokens,
        seats: own.filter(({ subject }) => subject !== unattributed && !isServiceAccount(subject)).length,
      };
    })
    .sort((a, b) => dearest(a, b) || byText(a.system, b.system));
}

/** Spend by person and system, the dearest first. What a bill gives to nobody is split by observed cost. */
export function spendByPerson(facts: UsageFacts): readonly PersonSpend[] {
  const employees = new Map(facts.employees.map((employee) => [employee.email, employee]));
  const teams = new Map(facts.teams.map((team) => [team.teamId, team]));
  const systems = new Set([...facts.observed, ...facts.billed].map(({ system }) => system));
  return [...systems]
    .flatMap((system) =>
      [...spendOfSystem(facts, system)].map(([subject, { spend, totalTokens }]): PersonSpend => {
        const employee = employees.get(subject);
        const team = employee?.teamId == null ? undefined : teams.get(employee.teamId);
        return {
          subject,
          name: employee?.name ?? null,
          system,
          primaryTeam: team?.name ?? null,
          spend: spend as NanoUsd,
          totalTokens,
        };
      }),
    )
    .sort((a, b) => dearest(a, b) || byText(a.subject, b.subject) || byText(a.system, b.system));
}

/** Spend and adoption by team in the order of names, people without a team last. */
export function spendByTeam(facts: UsageFacts): readonly TeamSpend[] {
  const teams = new Map(facts.teams.map((team) => [team.teamId, team]));
  const teamOf = (employee: Employee | undefined): string | null =>
    employee?.teamId != null && teams.has(employee.teamId) ? employee.teamId : null;
  const employees = new Map(facts.employees.map((employee) => [employee.email, employee]));
  const spent = Map.groupBy(spendByPerson(facts), ({ subject }) => teamOf(employees.get(subject)));
  const staff = Map.groupBy(
    facts.employees.filter(({ active }) => active),
    (employee) => teamOf(employee),
  );
  const users = new Set(facts.observed.filter(({ calls }) => calls > 0n).map(({ subject }) => subject));
  const row = (team: TeamNode | null): TeamSpend => {
    const people = staff.get(team?.teamId ?? null) ?? [];
    const activeUsers = people.filter(({ email }) => users.has(email)).length;
    return {
      teamId: team?.teamId ?? noTeam.teamId,
      team: team?.name ?? noTeam.team,
      parentTeamId: team?.parentId ?? null,
      costCentre: team === null ? null : costCentreOf(team, teams),
      headcount: people.length,
      activeUsers,
      adoptionRate: people.length === 0 ? null : activeUsers / people.length,
      spend: sum(spent.get(team?.teamId ?? null) ?? [], ({ spend }) => spend) as NanoUsd,
    };
  };
  const rest = row(null);
  const rows = facts.teams.map(row);
  return rest.headcount === 0 && !spent.has(null) ? rows : [...rows, rest];
}

function costCentreOf(team: TeamNode, teams: ReadonlyMap<string, TeamNode>): string | null {
  const seen = new Set<string>();
  let above: TeamNode | undefined = team;
  while (above !== undefined && !seen.has(above.teamId)) {
    if (above.costCentre !== null) return above.costCentre;
    seen.add(above.teamId);
    above = above.parentId === null ? undefined : teams.get(above.parentId);
  }
  return null;
}

interface Share {
  readonly spend: bigint;
  readonly totalTokens: bigint;
}

function spendOfSystem(facts: UsageFacts, system: string): ReadonlyMap<string, Share> {
  const uses = facts.observed.filter((use) => use.system === system);
  const bills = facts.billed.filter((bill) => bill.system === system);
  const shares = new Map<string, Share>();
  const add = (subject: string, spend: bigint, totalTokens: bigint): void => {
    const before = shares.get(subject) ?? { spend: 0n, totalTokens: 0n };
    shares.set(subject, { spend: before.spend + spend, totalTokens: before.totalTokens + totalTokens });
  };
  for (const use of uses) {
    add(use.subject, bills.length === 0 ? use.costNanoUsd : 0n, use.inputTokens + use.outputTokens);
  }
  for (const { subject, nanoUsd } of bills) if (subject !== null) add(subject, nanoUsd, 0n);
  const nobodys = sum(
    bills.filter(({ subject }) => subject === null),
    ({ nanoUsd }) => nanoUsd,
  );
  if (nobodys === 0n) return shares;
  // What a person's calls cost beyond what bills already give to that person.
  const unexplained = new Map<string, bigint>();
  for (const { subject, costNanoUsd } of uses) {
    unexplained.set(subject, (unexplained.get(subject) ?? 0n) + costNanoUsd);
  }
  const weights = [...unexplained].map(([subject, cost]): [string, bigint] => {
    const rest = cost - (shares.get(subject)?.spend ?? 0n);
    return [subject, rest > 0n ? rest : 0n];
  });
  const parts = splitUsd(
    nobodys as NanoUsd,
    weights.map(([, weight]) => weight),
  );
  if (parts === null) add(unattributed, nobodys, 0n);
  else for (const [index, [subject]] of weights.entries()) add(subject, parts[index] ?? 0n, 0n);
  return shares;
}

function sum<T>(items: readonly T[], of: (item: T) => bigint): bigint {
  return items.reduce((total, item) => total + of(item), 0n);
}

function dearest(a: { readonly spend: NanoUsd }, b: { readonly spend: NanoUsd }): number {
  return a.spend === b.spend ? 0 : a.spend > b.spend ? -1 : 1;
}

function byText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
