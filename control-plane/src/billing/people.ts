import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import { periodOfDate, type Period, type UsageDate } from "@flowstate/shared/time";
import type { IdentityKind } from "../directory/tables.ts";
import type { VendorIdentity } from "../providers/connector.ts";
import { jsonRows } from "../store/json-rows.ts";
import type { Reader, Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";

/** Who stands behind the names of one vendor, as far as anybody has said. */
export interface People {
  subjectOf(kind: IdentityKind, value: string | null): Subject | null;
}

interface Known {
  readonly employeeEmail: string | null;
  readonly email: string | null;
}

/** Names that mean the same everywhere stand under no provider. */
const everywhere = "";

export async function loadPeople(db: Reader, orgId: OrgId, provider: string): Promise<People> {
  const rows = await db
    .selectFrom("identities")
    .leftJoin("employees", (join) =>
      join
        .onRef("employees.org_id", "=", "identities.org_id")
        .onRef("employees.employee_id", "=", "identities.employee_id"),
    )
    .select([
      "identities.provider",
      "identities.kind",
      "identities.value",
      "identities.email",
      "employees.email as employee_email",
    ])
    .where("identities.org_id", "=", orgId)
    .where("identities.provider", "in", [provider, everywhere])
    .execute();
  const known = new Map<string, Known>(
    rows.map((row) => [
      nameOf(row.provider, row.kind, row.value),
      { employeeEmail: row.employee_email, email: row.email },
    ]),
  );
  const byEmail = (given: string): Subject | null => {
    const canonical = parseSubject(given);
    if (!canonical.ok) return null;
    const alias = known.get(nameOf(everywhere, "email", canonical.value))?.employeeEmail ?? null;
    return alias === null ? canonical.value : (alias as Subject);
  };
  return {
    subjectOf(kind, value) {
      if (value === null) return null;
      const found = known.get(nameOf(provider, kind, value)) ?? known.get(nameOf(everywhere, kind, value));
      if (found?.employeeEmail != null) return found.employeeEmail as Subject;
      if (found?.email != null) return byEmail(found.email);
      return kind === "email" ? byEmail(value) : null;
    },
  };
}

function nameOf(provider: string, kind: IdentityKind, value: string): string {
  return `${provider}\n${kind}\n${value}`;
}

/**
 * Stores what the vendor's directory says, without touching what an admin has decided. Returns the names that are
 * new or mean something else now.
 */
export async function writeIdentities(
  db: Writer,
  engine: Engine,
  { orgId, now }: { readonly orgId: OrgId; readonly now: number },
  identities: readonly VendorIdentity[],
): Promise<readonly VendorIdentity[]> {
  const unique = new Map(
    identities.map((each) => [nameOf(each.provider, each.kind, each.value), canonical(each)]),
  );
  const given = [...unique.values()];
  if (given.length === 0) return [];
  const columns = { provider: "text", kind: "text", value: "text", email: "text", label: "text" } as const;
  const rows = given.map(({ provider, kind, value, email, label }) => [provider, kind, value, email, label]);
  // Without a subquery's order PostgreSQL could lock two writers' rows in opposite orders.
  const { rows: changed } = await sql<Pick<VendorIdentity, "provider" | "kind" | "value">>`
    INSERT INTO identities (org_id, provider, kind, value, employee_id, email, label, source, updated_at)
    SELECT ${orgId}, given.provider, given.kind, given.value, employees.employee_id, given.email, given.label,
      'provider', CAST(${now} AS BIGINT)
    FROM ${jsonRows(engine, columns, rows)} AS given
    LEFT JOIN employees ON employees.org_id = ${orgId} AND employees.email = given.email
    WHERE TRUE
    ORDER BY given.provider, given.kind, given.value
    ON CONFLICT (org_id, provider, kind, value) DO UPDATE SET
      email = excluded.email, label = excluded.label, updated_at = excluded.updated_at,
      employee_id = CASE WHEN identities.source = 'provider' THEN excluded.employee_id ELSE identities.employee_id END
    WHERE identities.email IS DISTINCT FROM excluded.email
      OR identities.label IS DISTINCT FROM excluded.label
      OR (identities.source = 'provider' AND identities.employee_id IS DISTINCT FROM excluded.employee_id)
    RETURNING provider, kind, value`.execute(db);
  return changed.flatMap(({ provider, kind, value }) => unique.get(nameOf(provider, kind, value)) ?? []);
}

function canonical(identity: VendorIdentity): VendorIdentity {
  const email = identity.email === null ? null : parseSubject(identity.email);
  return { ...identity, email: email?.ok ? email.value : null };
}

/** Gives the bill's lines and usage the person that their name stands for now. Returns the months that changed. */
export async function reassign(
  db: Writer,
  orgId: OrgId,
  {
    kinds,
    names,
    people,
  }: {
    /** Integration kinds whose lines carry these names. */
    readonly kinds: readonly string[];
    readonly names: readonly { readonly kind: IdentityKind; readonly value: string }[];
    readonly people: People;
  },
): Promise<readonly Period[]> {
  const periods = new Set<Period>();
  for (const { kind, value } of names) {
    const subject = people.subjectOf(kind, value);
    const lines = await db
      .updateTable("billing_rows")
      .set({ subject })
      .where("org_id", "=", orgId)
      .where("identity_value", "=", value)
      .where("identity_kind", "=", kind)
      .where("kind", "in", kinds)
      .where("subject", "is distinct from", subject)
      .returning("period")
      .execute();
    const usages = await db
      .updateTable("vendor_usage")
      .set({ subject })
      .where("org_id", "=", orgId)
      .where("identity_value", "=", value)
      .where("identity_kind", "=", kind)
      .where("kind", "in", kinds)
      .where("subject", "is distinct from", subject)
      .returning("usage_day")
      .execute();
    for (const { period } of lines) periods.add(period as Period);
    for (const { usage_day } of usages) periods.add(periodOfDate(usage_day as UsageDate));
  }
  return [...periods];
}
