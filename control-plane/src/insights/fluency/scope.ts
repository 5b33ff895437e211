import { FlowstateError } from "@flowstate/shared/errors";
import type { Principal } from "../../access/check.ts";
import { loadManaged, managersOf, type Managed } from "../../directory/managers.ts";
import type { Reader } from "../../store/open.ts";
import { loadAliases } from "../../directory/aliases.ts";
import { loadTeams, type TeamNode } from "../../usage-queries/facts.ts";
import { fewestPeople } from "./score.ts";

export type FluencyScope =
  | { readonly kind: "ORG" }
  | { readonly kind: "TEAM"; readonly teamId: string }
  /** By address or employee; null for the caller. */
  | { readonly kind: "PERSON"; readonly id: string | null };

/** Whom a scope means, and of how many at least something is shown. */
export interface Members {
  readonly belongs: (person: string) => boolean;
  readonly leastPeople: number;
}

export interface Directory {
  readonly colleagues: readonly Managed[];
  readonly teams: readonly Pick<TeamNode, "teamId" | "parentId">[];
  readonly aliases: ReadonlyMap<string, string>;
}

export async function loadDirectory(db: Reader, { orgId }: Principal): Promise<Directory> {
  const [colleagues, teams, aliases] = await Promise.all([
    loadManaged(db, orgId),
    loadTeams(db, orgId),
    loadAliases(db, orgId),
  ]);
  return { colleagues, teams, aliases };
}

/**
 * Whom the caller may ask about: everybody together, a team of theirs together, themselves alone. Throws FS_FORBIDDEN,
 * also to those who may see everything else, where a single colleague is asked about.
 */
export function membersOf(scope: FluencyScope, caller: Principal, directory: Directory): Members {
  switch (scope.kind) {
    case "ORG":
      return { belongs: () => true, leastPeople: fewestPeople };
    case "TEAM":
      return { belongs: inTeam(scope.teamId, caller, directory), leastPeople: fewestPeople };
    case "PERSON": {
      const own = ownAddress(caller, directory);
      if (own === null || !isOwn(scope.id, own, directory))
        throw new FlowstateError(
          "FS_FORBIDDEN",
          "what a person's conversations show is for that person alone",
        );
      return { belongs: (person) => person === own, leastPeople: 1 };
    }
  }
}

function inTeam(teamId: string, caller: Principal, { colleagues, teams, aliases }: Directory) {
  if (!teams.some((team) => team.teamId === teamId))
    throw new FlowstateError("FS_NOT_FOUND", `there is no team "${teamId.slice(0, 40)}"`);
  const covered = below(teamId, teams);
  const members = colleagues.filter(({ primary_team_id: team }) => team !== null && covered.has(team));
  const own = ownAddress(caller, { aliases });
  const byId = new Map(colleagues.map((colleague) => [colleague.employee_id, colleague]));
  const manages = own !== null && members.some((member) => managersOf(member, byId).has(own));
  if (!manages && !caller.permissions.has("AI_GOVERNANCE_VIEW"))
    throw new FlowstateError(
      "FS_FORBIDDEN",
      "a team's fluency is for its managers and for AI_GOVERNANCE_VIEW",
    );
  const addresses = new Set(members.map(({ email }) => email));
  return (person: string): boolean => addresses.has(person);
}

/** A team and all below it; a ring of teams ends where it began. */
function below(teamId: string, teams: Directory["teams"]): ReadonlySet<string> {
  const found = new Set([teamId]);
  for (const id of found) for (const team of teams) if (team.parentId === id) found.add(team.teamId);
  return found;
}

/** The address under which the caller's conversations stand; null for keys and operators. */
function ownAddress(caller: Principal, { aliases }: Pick<Directory, "aliases">): string | null {
  return caller.kind === "member" ? (aliases.get(caller.email) ?? caller.email) : null;
}

function isOwn(id: string | null, own: string, { colleagues, aliases }: Directory): boolean {
  if (id === null) return true;
  const named = colleagues.find(({ employee_id: employee }) => employee === id)?.email ?? id.toLowerCase();
  return (aliases.get(named) ?? named) === own;
}
