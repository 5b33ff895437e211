import { sql } from "kysely";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import type { UsageDate } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import type { IdentityKind } from "../directory/tables.ts";
import { providerSlugs, usageProviderKinds, type UsageProviderKind } from "../providers/kinds.ts";
import type { Reader, Writer } from "../store/open.ts";
import { recordBillingChanged } from "./changed.ts";
import { loadPeople, reassign } from "./people.ts";

/** Kinds of names behind which one person can stand. */
const personalKinds = [
  "email",
  "vendor_user",
  "login",
  "api_key",
  "service_account",
  "cloud_principal",
] as const satisfies readonly IdentityKind[];

export type PersonalKind = (typeof personalKinds)[number];

/** A name that stands before money, and whose it is. */
export interface BilledName {
  /** Of the integration whose bill carries it. */
  readonly provider: UsageProviderKind;
  readonly kind: PersonalKind;
  readonly value: string;
  /** What the vendor calls it. */
  readonly label: string | null;
  /** Null while nobody has said. */
  readonly subject: string | null;
  /** Whether an admin has said so, rather than the vendor's directory. */
  readonly setByAdmin: boolean;
  readonly billed: NanoUsd;
}

/** Names in the bills since a day, those of nobody first and then by what they cost. */
export async function listBilledNames(
  db: Reader,
  orgId: OrgId,
  { since, limit }: { readonly since: UsageDate; readonly limit: number },
): Promise<readonly BilledName[]> {
  const rows = await db
    .selectFrom("billing_rows")
    .select(["kind", "identity_kind", "identity_value", "subject"])
    .select(sql<bigint>`CAST(sum(amount_nano_usd) AS BIGINT)`.as("billed"))
    .where("org_id", "=", orgId)
    .where("usage_day", ">=", since)
    .where("grade", "=", "billed")
    .where("withdrawn_at", "is", null)
    .where("identity_kind", "in", personalKinds)
    .where("identity_value", "is not", null)
    .groupBy(["kind", "identity_kind", "identity_value", "subject"])
    .orderBy(sql`CASE WHEN subject IS NULL THEN 0 ELSE 1 END`)
    .orderBy("billed", "desc")
    .orderBy("identity_value")
    .limit(limit)
    .execute();
  const known = await db
    .selectFrom("identities")
    .select(["provider", "kind", "value", "label", "source"])
    .where("org_id", "=", orgId)
    .execute();
  const byName = new Map(known.map((each) => [[each.provider, each.kind, each.value].join("\n"), each]));
  return rows.flatMap((row) => {
    const provider = row.kind as UsageProviderKind;
    const value = row.identity_value;
    if (value === null) return [];
    const entry = byName.get([slugOf(provider), row.identity_kind, value].join("\n"));
    return {
      provider,
      kind: row.identity_kind as PersonalKind,
      value,
      label: entry?.label ?? null,
      subject: row.subject,
      setByAdmin: entry?.source === "admin",
      billed: row.billed as NanoUsd,
    };
  });
}

export interface NameOfPerson {
  readonly provider: UsageProviderKind;
  readonly kind: PersonalKind;
  readonly value: string;
  /** Null: nobody's. */
  readonly employeeId: string | null;
}

/**
 * Says whose a vendor's name is. What is billed and used under it follows in the same transaction, and so do the months
 * that change by it. What an admin has said no vendor's directory overrides.
 */
export async function mapIdentity(
  db: Writer,
  { orgId, actor, now }: { readonly orgId: OrgId; readonly actor: string; readonly now: number },
  { provider, kind, value, employeeId }: NameOfPerson,
): Promise<void> {
  const employee = employeeId === null ? null : await requireEmployee(db, orgId, employeeId);
  const slug = slugOf(provider);
  const values = { employee_id: employeeId, source: "admin" as const, updated_at: now };
  await db
    .insertInto("identities")
    .values({ ...values, org_id: orgId, provider: slug, kind, value, email: null, label: null })
    .onConflict((on) => on.columns(["org_id", "provider", "kind", "value"]).doUpdateSet(values))
    .execute();
  const people = await loadPeople(db, orgId, slug);
  const kinds = usageProviderKinds.filter((each) => slugOf(each) === slug);
  await recordBillingChanged(
    db,
    orgId,
    await reassign(db, orgId, { kinds, names: [{ kind, value }], people }),
    now,
  );
  const target = `${provider} ${kind} ${value}`;
  await recordAudit(db, { orgId, at: now, actor, action: "identity.mapped", target, detail: employee });
}

async function requireEmployee(db: Writer, orgId: OrgId, employeeId: string): Promise<string> {
  const row = await db
    .selectFrom("employees")
    .select("email")
    .where("org_id", "=", orgId)
    .where("employee_id", "=", employeeId)
    .executeTakeFirst();
  if (row !== undefined) return row.email;
  throw new FlowstateError("FS_NOT_FOUND", `there is no employee "${employeeId.slice(0, 40)}"`);
}

function slugOf(provider: UsageProviderKind): string {
  return providerSlugs[provider][0] ?? "";
}
