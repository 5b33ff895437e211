import type { OrgId } from "@flowstate/shared/ids";
import type { PolicyScope } from "@flowstate/shared/policy/document";
import { dateOf, type UsageDate } from "@flowstate/shared/time";
import { loadAliases } from "../directory/aliases.ts";
import { loadAllocations, loadProjects } from "../insights/forecast/load.ts";
import type { Reader } from "../store/open.ts";
import { loadEmployees, loadTeams, type TeamNode } from "../usage-queries/facts.ts";

/** Who belongs where, as the directory has it. */
export interface Memberships {
  /** The employee's own address for any address of theirs; every other subject as it is. */
  personOf(subject: string): string;
  /** Whether the scope is for that person or service account. */
  isIn(scope: PolicyScope, person: string): boolean;
  /** Whether the person works for a project with a cost centre on that day; null for whom the directory does not know. */
  hasCostCentre(person: string, day: UsageDate): boolean | null;
  /** Every address of a person, their own among them. */
  addressesOf(person: string): readonly string[];
  /** Every subject that the directory knows: people by each of their addresses, and service accounts. */
  readonly subjects: readonly string[];
}

interface Person {
  /** Own teams and all above them. */
  readonly teams: ReadonlySet<string>;
  readonly costCentres: ReadonlySet<string>;
  /** First and last day of work for a project with a cost centre; null while it lasts. */
  readonly spans: readonly { readonly from: string; readonly until: string | null }[];
}

/** As it stands on the day of `now`; which project somebody works for is known for every day. */
export async function loadMemberships(db: Reader, orgId: OrgId, now: number): Promise<Memberships> {
  const [employees, teams, aliases, allocations, projects, members, accounts] = await Promise.all([
    loadEmployees(db, orgId),
    loadTeams(db, orgId),
    loadAliases(db, orgId),
    loadAllocations(db, orgId),
    loadProjects(db, orgId),
    db.selectFrom("team_members").select(["team_id", "employee_id"]).where("org_id", "=", orgId).execute(),
    db
      .selectFrom("service_accounts")
      .select(["account_id", "subject"])
      .where("org_id", "=", orgId)
      .where("deleted_at", "is", null)
      .execute(),
  ]);
  const today = dateOf(now);
  const tree = createTree(teams);
  const allocationsOf = Map.groupBy(allocations, ({ employeeId }) => employeeId);
  const membershipsOf = Map.groupBy(members, ({ employee_id }) => employee_id);
  const centreOfProject = new Map(projects.map(({ projectId, costCentre }) => [projectId, costCentre]));
  const people = new Map(
    employees.map(({ employeeId, email, teamId }): [string, Person] => {
      const own = allocationsOf.get(employeeId) ?? [];
      const present = own.filter(({ fromDay, untilDay }) => covers(fromDay, untilDay, today));
      const direct = [
        teamId,
        ...(membershipsOf.get(employeeId) ?? []).map(({ team_id }) => team_id),
        ...present.map((allocation) => allocation.teamId),
      ].flatMap((id) => id ?? []);
      const centreOf = (projectId: string | null): string | null =>
        projectId === null ? null : (centreOfProject.get(projectId) ?? null);
      const centres = [
        ...direct.map((id) => tree.costCentreOf(id)),
        ...present.map(({ projectId }) => centreOf(projectId)),
      ];
      const spans = own
        .filter(({ projectId }) => centreOf(projectId) !== null)
        .map(({ fromDay, untilDay }) => ({ from: fromDay, until: untilDay }));
      return [
        email,
        {
          teams: new Set(direct.flatMap((id) => tree.upwards(id))),
          costCentres: new Set(centres.flatMap((centre) => centre ?? [])),
          spans,
        },
      ];
    }),
  );
  const furtherOf = Map.groupBy(aliases, ([, own]) => own);
  const accountOf = new Map(accounts.map(({ subject, account_id }) => [subject, account_id]));
  return {
    personOf: (subject) => aliases.get(subject) ?? subject,
    addressesOf: (person) => [person, ...(furtherOf.get(person) ?? []).map(([address]) => address)],
    isIn(scope, person) {
      switch (scope.kind) {
        case "organisation":
          return true;
        case "team":
          return people.get(person)?.teams.has(scope.team) ?? false;
        case "cost_centre":
          return people.get(person)?.costCentres.has(scope.costCentre) ?? false;
        case "service_account":
          return accountOf.get(person) === scope.serviceAccount;
      }
    },
    hasCostCentre: (person, day) =>
      people.get(person)?.spans.some(({ from, until }) => covers(from, until, day)) ?? null,
    subjects: [...people.keys(), ...aliases.keys(), ...accountOf.keys()],
  };
}

interface Tree {
  /** The team and all above it. */
  upwards(teamId: string): readonly string[];
  /** The team's own cost centre, else that of the nearest above it. */
  costCentreOf(teamId: string): string | null;
}

function createTree(teams: readonly TeamNode[]): Tree {
  const nodes = new Map(teams.map((team) => [team.teamId, team]));
  const upwards = (teamId: string): readonly string[] => {
    const way = new Set<string>();
    for (
      let next: string | null = teamId;
      next !== null && !way.has(next);
      next = nodes.get(next)?.parentId ?? null
    ) {
      way.add(next);
    }
    return [...way];
  };
  return {
    upwards,
    costCentreOf: (teamId) => upwards(teamId).flatMap((id) => nodes.get(id)?.costCentre ?? [])[0] ?? null,
  };
}

function covers(from: string, until: string | null, day: string): boolean {
  return from <= day && (until === null || day <= until);
}
