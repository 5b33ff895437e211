import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";
import type { DirectoryTables } from "./tables.ts";

export type Managed = Pick<
  DirectoryTables["employees"],
  "employee_id" | "email" | "primary_team_id" | "manager_id" | "active"
>;

/** Everybody in the directory with their manager, those who have left included. */
export async function loadManaged(db: Reader, orgId: OrgId): Promise<readonly Managed[]> {
  return db
    .selectFrom("employees")
    .select(["employee_id", "email", "primary_team_id", "manager_id", "active"])
    .where("org_id", "=", orgId)
    .execute();
}

/** Addresses of everybody above a person who has not left, through those who have. */
export function managersOf(
  { manager_id: first }: Pick<Managed, "manager_id">,
  byId: ReadonlyMap<string, Managed>,
): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  let next = first;
  while (next !== null && !seen.has(next)) {
    seen.add(next);
    const manager = byId.get(next);
    if (manager === undefined) break;
    if (manager.active === 1n) found.add(manager.email);
    next = manager.manager_id;
  }
  return found;
}
