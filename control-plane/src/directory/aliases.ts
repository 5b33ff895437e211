import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";

/** Further addresses of people: the employee's own address by the other one. */
export async function loadAliases(db: Reader, orgId: OrgId): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom("identities")
    .innerJoin("employees", (join) =>
      join
        .onRef("employees.org_id", "=", "identities.org_id")
        .onRef("employees.employee_id", "=", "identities.employee_id"),
    )
    .select(["identities.value", "employees.email"])
    .where("identities.org_id", "=", orgId)
    .where("identities.kind", "=", "email")
    .where("identities.provider", "=", "")
    .execute();
  return new Map(rows.map(({ value, email }) => [value, email]));
}

/** Everything that a person reports and is billed under: the own address and the further ones. */
export function addressesOf(subject: string, aliases: ReadonlyMap<string, string>): readonly string[] {
  return [subject, ...[...aliases].flatMap(([alias, own]) => (own === subject ? [alias] : []))];
}
