import type { OrgId } from "@flowstate/shared/ids";
import type { Principal } from "../access/check.ts";
import { loadAliases } from "../directory/aliases.ts";
import type { Reader } from "../store/open.ts";

/** A person's first address: the employee's, for whoever is known by another one. Their calls stand under it. */
export async function ownAddress(db: Reader, orgId: OrgId, email: string): Promise<string> {
  return (await loadAliases(db, orgId)).get(email) ?? email;
}

/** The same of who asks; null for keys and operators, who are nobody. */
export async function addressOf(db: Reader, caller: Principal): Promise<string | null> {
  return caller.kind === "member" ? ownAddress(db, caller.orgId, caller.email) : null;
}
