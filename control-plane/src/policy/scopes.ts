import type { OrgId } from "@flowstate/shared/ids";
import type { PolicyDocument, PolicyScope } from "@flowstate/shared/policy/document";
import type { ParsedPolicy } from "@flowstate/shared/policy/parse";
import type { Reader } from "../store/open.ts";

/** What scopes may name, by identifier. */
export interface ScopeNames {
  readonly teams: ReadonlyMap<string, string>;
  readonly serviceAccounts: ReadonlyMap<string, string>;
  readonly costCentres: ReadonlySet<string>;
}

export async function loadScopeNames(db: Reader, orgId: OrgId): Promise<ScopeNames> {
  const [teams, projects, accounts] = await Promise.all([
    db.selectFrom("teams").select(["team_id", "name", "cost_centre"]).where("org_id", "=", orgId).execute(),
    db.selectFrom("projects").select("cost_centre").where("org_id", "=", orgId).execute(),
    db
      .selectFrom("service_accounts")
      .select(["account_id", "name"])
      .where("org_id", "=", orgId)
      .where("deleted_at", "is", null)
      .execute(),
  ]);
  return {
    teams: new Map(teams.map(({ team_id, name }) => [team_id, name])),
    serviceAccounts: new Map(accounts.map(({ account_id, name }) => [account_id, name])),
    costCentres: new Set([...teams, ...projects].flatMap(({ cost_centre }) => cost_centre ?? [])),
  };
}

/** The policy with every team and service account by identifier, so that a new name does not unhinge a rule. */
export function resolveScopes(document: PolicyDocument, names: ScopeNames): ParsedPolicy {
  const faults: string[] = [];
  const rules = document.rules.map((rule, index) => {
    const found = resolve(rule.scope, names);
    if (typeof found !== "string") return { ...rule, scope: found };
    faults.push(`rule ${index + 1} ("${rule.name}"): scope: ${found}`);
    return rule;
  });
  const [first, ...rest] = faults;
  return first === undefined
    ? { ok: true, value: { ...document, rules } }
    : { ok: false, faults: [first, ...rest] };
}

/** The scope by identifier, or what is wrong with it. */
function resolve(scope: PolicyScope, names: ScopeNames): PolicyScope | string {
  switch (scope.kind) {
    case "organisation":
      return scope;
    case "team": {
      const found = identify("team", scope.team, names.teams);
      return "id" in found ? { kind: "team", team: found.id } : found.fault;
    }
    case "service_account": {
      const found = identify("service account", scope.serviceAccount, names.serviceAccounts);
      return "id" in found ? { kind: "service_account", serviceAccount: found.id } : found.fault;
    }
    case "cost_centre":
      return names.costCentres.has(scope.costCentre)
        ? scope
        : `no team and no project has the cost centre "${scope.costCentre}"`;
  }
}

function identify(
  what: string,
  given: string,
  known: ReadonlyMap<string, string>,
): { readonly id: string } | { readonly fault: string } {
  if (known.has(given)) return { id: given };
  const [id, ...more] = [...known].flatMap(([id, name]) => (name === given ? [id] : []));
  if (id === undefined) return { fault: `there is no ${what} "${given}"` };
  return more.length === 0
    ? { id }
    : { fault: `${more.length + 1} have the name "${given}"; give the ${what}'s id` };
}

/** A scope as people read it. */
export function printScope(scope: PolicyScope, { teams, serviceAccounts }: ScopeNames): string {
  switch (scope.kind) {
    case "organisation":
      return "organisation";
    case "team":
      return `team ${teams.get(scope.team) ?? `${scope.team} (gone)`}`;
    case "cost_centre":
      return `cost centre ${scope.costCentre}`;
    case "service_account":
      return `service account ${serviceAccounts.get(scope.serviceAccount) ?? `${scope.serviceAccount} (gone)`}`;
  }
}
