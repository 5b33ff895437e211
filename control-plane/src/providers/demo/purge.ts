import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { periodOf, type Period } from "@flowstate/shared/time";
import { recordAudit } from "../../audit/record.ts";
import { recordBillingChanged } from "../../billing/changed.ts";
import type { Database } from "../../store/database.ts";
import type { Writer } from "../../store/open.ts";
import { recordUsageChanged } from "../../usage/changed.ts";
import { raiseRevision } from "../../orgs/orgs.ts";
import { notePushed } from "../../policy/push.ts";
import { demoAccounts, demoDomain, demoKeyId, demoPolicyNote } from "./company.ts";
import { removeIntegration, type IntegrationContext } from "../integrations.ts";

/** Tables whose rows belong to a person or a program, whose subject tells that the demo made them. */
const bySubject = [
  "calls",
  "sessions",
  "usage_hours",
  "usage_months",
  "usage_person_days",
  "usage_person_months",
  "spend_days",
  "policy_hits",
  "person_days",
  "content_findings",
  "fluency_sessions",
  "fluency_days",
  "signals",
  "devices",
  "format_counts",
  "agent_versions",
  "quarantined_calls",
  "meter_hours",
  "meter_months",
  "service_accounts",
  "keys",
] as const satisfies readonly (keyof Database)[];

/**
 * Takes out all that the demo has written: its bills, calls, meters, people, programs and policy. Everything else stays
 * as it is.
 */
export async function purgeDemo(db: Writer, context: IntegrationContext): Promise<void> {
  const { orgId, actor, now } = context;
  const periods = await demoPeriods(db, orgId);
  await deleteBills(db, context);
  // Names of calls lead to them, so they go first.
  for (const table of ["call_names", "call_reports"] as const) {
    await sql`DELETE FROM ${sql.table(table)} WHERE org_id = ${orgId} AND call_id IN
      (SELECT call_id FROM calls WHERE org_id = ${orgId} AND ${isDemo})`.execute(db);
  }
  for (const table of bySubject) {
    await sql`DELETE FROM ${sql.table(table)} WHERE org_id = ${orgId} AND ${isDemo}`.execute(db);
  }
  await deletePolicy(db, context);
  await db.deleteFrom("meter_sources").where("org_id", "=", orgId).where("key_id", "=", demoKeyId).execute();
  await deleteDirectory(db, orgId);
  await raiseRevision(db, orgId);
  await recordBillingChanged(db, orgId, periods, now);
  await recordUsageChanged(db, orgId, periods, now);
  await recordAudit(db, { orgId, at: now, actor, action: "demo.purged" });
}

const demoAddress = `%@${demoDomain}`;
/** Of a row with a subject. */
const isDemo = sql<boolean>`(subject LIKE ${demoAddress} OR subject LIKE ${`${demoAccounts}%`})`;
const demoId = "demo-%";

async function demoPeriods(db: Writer, orgId: OrgId): Promise<readonly Period[]> {
  const lines = await db
    .selectFrom("billing_rows")
    .select("period")
    .distinct()
    .where("org_id", "=", orgId)
    .where("kind", "=", "DEMO")
    .execute();
  const sessions = await db
    .selectFrom("sessions")
    .select("started_at")
    .where("org_id", "=", orgId)
    .where("subject", "like", demoAddress)
    .execute();
  return [
    ...new Set([
      ...lines.map(({ period }) => period as Period),
      ...sessions.map(({ started_at }) => periodOf(started_at)),
    ]),
  ].sort();
}

async function deleteBills(db: Writer, context: IntegrationContext): Promise<void> {
  const { orgId } = context;
  const demos = await db
    .selectFrom("usage_providers")
    .select("provider_id")
    .where("org_id", "=", orgId)
    .where("kind", "=", "DEMO")
    .execute();
  for (const { provider_id } of demos) {
    await removeIntegration(db, context, provider_id);
    await db
      .deleteFrom("sync_runs")
      .where("org_id", "=", orgId)
      .where("provider_id", "=", provider_id)
      .execute();
  }
  await sql`DELETE FROM billing_revisions WHERE org_id = ${orgId} AND row_id IN
    (SELECT row_id FROM billing_rows WHERE org_id = ${orgId} AND kind = 'DEMO')`.execute(db);
  for (const table of ["billing_rows", "vendor_usage", "usage_providers"] as const) {
    await db.deleteFrom(table).where("org_id", "=", orgId).where("kind", "=", "DEMO").execute();
  }
}

/** The demo's policy, and who was told of it; numbers of versions begin anew where no other is left. */
async function deletePolicy(db: Writer, { orgId, now }: IntegrationContext): Promise<void> {
  const deleted = await db
    .deleteFrom("policy_versions")
    .where("org_id", "=", orgId)
    .where("note", "=", demoPolicyNote)
    .execute();
  if (deleted.every(({ numDeletedRows }) => numDeletedRows === 0n)) return;
  await notePushed(db, orgId, now);
  const left = await db
    .selectFrom("policy_versions")
    .select("version")
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  if (left === undefined) await db.deleteFrom("policy_heads").where("org_id", "=", orgId).execute();
}

async function deleteDirectory(db: Writer, orgId: OrgId): Promise<void> {
  await db.deleteFrom("identities").where("org_id", "=", orgId).where("provider", "=", "demo").execute();
  await db
    .deleteFrom("allocations")
    .where("org_id", "=", orgId)
    .where("employee_id", "like", demoId)
    .execute();
  await db.deleteFrom("employees").where("org_id", "=", orgId).where("employee_id", "like", demoId).execute();
  await db.deleteFrom("projects").where("org_id", "=", orgId).where("project_id", "like", demoId).execute();
  await db.deleteFrom("teams").where("org_id", "=", orgId).where("team_id", "like", demoId).execute();
}
