import { sql } from "kysely";
import { FlowstateError } from "@flowstate/shared/errors";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { recordAudit, type AuditAction } from "../audit/record.ts";
import type { BillingTables } from "../billing/tables.ts";
import { cancelJob, scheduleJob } from "../store/jobs.ts";
import type { Reader, Writer } from "../store/open.ts";
import type { MasterKey } from "../secrets/master-key.ts";
import { requireCurrentKey } from "../secrets/rotate.ts";
import { hashCredentials, sealCredentials } from "./credentials.ts";
import type { Credentials } from "./connector.ts";
import type { UsageProviderKind } from "./kinds.ts";
import type { Covered } from "./plan.ts";
import { coveredOf } from "./run-log.ts";

/** A vendor's billing API as an organisation has connected it. */
export interface Integration {
  readonly orgId: OrgId;
  readonly providerId: string;
  readonly kind: UsageProviderKind;
  readonly name: string;
  readonly state: "ACTIVE" | "ERROR" | "SYNCING";
  readonly sealedCredentials: string | null;
  readonly lastSyncAt: number | null;
  /** The provider's own words when the last sync failed. */
  readonly lastError: string | null;
  readonly covered: Covered | null;
  readonly createdAt: number;
}

/** Who changes integrations, where, and when. */
export interface IntegrationContext {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

export const syncJobs = "provider-sync/";

export function syncJobOf(providerId: string): string {
  return `${syncJobs}${providerId}`;
}

/** Those that are connected, the oldest first. One that is being pulled right now is SYNCING. */
export async function listIntegrations(
  db: Reader,
  orgId: OrgId,
  now: number,
): Promise<readonly Integration[]> {
  return (await connected(db, orgId, now).orderBy("created_at").orderBy("provider_id").execute()).map(
    toIntegration,
  );
}

/** The connected integration of that id. Throws FS_NOT_FOUND. */
export async function requireIntegration(
  db: Reader,
  orgId: OrgId,
  providerId: string,
  now: number,
): Promise<Integration> {
  const row = await connected(db, orgId, now).where("provider_id", "=", providerId).executeTakeFirst();
  if (row !== undefined) return toIntegration(row);
  throw new FlowstateError("FS_NOT_FOUND", `there is no usage provider "${providerId.slice(0, 40)}"`);
}

function connected(db: Reader, orgId: OrgId, now: number) {
  return db
    .selectFrom("usage_providers")
    .leftJoin("jobs", (join) =>
      join
        .onRef("jobs.org_id", "=", "usage_providers.org_id")
        .on("jobs.name", "=", sql<string>`${syncJobs} || usage_providers.provider_id`)
        .on("jobs.lease_expires_at", ">", now),
    )
    .selectAll("usage_providers")
    .select("jobs.lease_owner")
    .where("usage_providers.org_id", "=", orgId)
    .where("removed_at", "is", null);
}

function toIntegration(
  row: BillingTables["usage_providers"] & { readonly lease_owner: string | null },
): Integration {
  return {
    orgId: row.org_id as OrgId,
    providerId: row.provider_id,
    kind: row.kind as UsageProviderKind,
    name: row.name,
    state: row.lease_owner === null ? row.state : "SYNCING",
    sealedCredentials: row.sealed_credentials,
    lastSyncAt: row.last_sync_at,
    lastError: row.last_error,
    covered: coveredOf(row.covered_from_day, row.covered_until_day),
    createdAt: row.created_at,
  };
}

export interface NewIntegration {
  readonly kind: UsageProviderKind;
  readonly name: string;
  readonly credentials: Credentials;
  readonly account: string | null;
}

/**
 * Stores a connection whose credentials have been proven, and has it pulled at once. One that was removed before and
 * reaches the same account comes back to life, so that its history and the new rows are one.
 */
export async function insertIntegration(
  db: Writer,
  context: IntegrationContext,
  { kind, name, credentials, account }: NewIntegration,
  master: MasterKey,
): Promise<string> {
  const { orgId, now } = context;
  await requireCurrentKey(db, master);
  const credentialHash = hashCredentials(credentials, master.pepper);
  const same = await db
    .selectFrom("usage_providers")
    .select(["provider_id", "name", "removed_at", "account", "credential_hash"])
    .where("org_id", "=", orgId)
    .where("kind", "=", kind)
    .orderBy("created_at", "desc")
    .execute();
  const twin = same.find(
    (other) =>
      other.removed_at === null &&
      (other.credential_hash === credentialHash || (account !== null && other.account === account)),
  );
  if (twin !== undefined) {
    throw new FlowstateError(
      "FS_CONFLICT",
      `"${twin.name}" reads the same bills already; change its credentials instead`,
    );
  }
  const before = same.find(
    (other) =>
      other.removed_at !== null &&
      (account === null ? other.account === null && other.name === name : other.account === account),
  );
  const providerId = before?.provider_id ?? newId(now);
  const values = {
    name,
    state: "ACTIVE" as const,
    sealed_credentials: sealCredentials(credentials, { orgId, providerId }, master),
    credential_hash: credentialHash,
    account,
    last_error: null,
    removed_at: null,
  };
  await db
    .insertInto("usage_providers")
    .values({
      ...values,
      org_id: orgId,
      provider_id: providerId,
      kind,
      last_sync_at: null,
      covered_from_day: null,
      covered_until_day: null,
      created_at: now,
    })
    .onConflict((on) => on.columns(["org_id", "provider_id"]).doUpdateSet(values))
    .execute();
  await scheduleJob(db, orgId, syncJobOf(providerId), now);
  await audit(db, context, "usage_provider.added", providerId, `${name} (${kind})`);
  return providerId;
}

/** Puts new credentials, proven before, in the place of the old ones, which are gone then. */
export async function replaceCredentials(
  db: Writer,
  context: IntegrationContext,
  providerId: string,
  { credentials, account }: Pick<NewIntegration, "credentials" | "account">,
  master: MasterKey,
): Promise<void> {
  const { orgId, now } = context;
  await requireCurrentKey(db, master);
  await db
    .updateTable("usage_providers")
    .set({
      sealed_credentials: sealCredentials(credentials, { orgId, providerId }, master),
      credential_hash: hashCredentials(credentials, master.pepper),
      account,
      state: "ACTIVE",
      last_error: null,
    })
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .execute();
  await scheduleJob(db, orgId, syncJobOf(providerId), now);
  await audit(db, context, "usage_provider.credentials_replaced", providerId, null);
}

/** Ends the pulling and forgets the credentials; what was pulled stays. False when there is none. */
export async function removeIntegration(
  db: Writer,
  context: IntegrationContext,
  providerId: string,
): Promise<boolean> {
  const { orgId, now } = context;
  const removed = await db
    .updateTable("usage_providers")
    .set({ removed_at: now, sealed_credentials: null, credential_hash: null })
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .where("removed_at", "is", null)
    .returning("name")
    .executeTakeFirst();
  if (removed === undefined) return false;
  // A sync that is under way finds its lease gone and stops before its next step.
  await cancelJob(db, orgId, syncJobOf(providerId));
  await audit(db, context, "usage_provider.removed", providerId, removed.name);
  return true;
}

async function audit(
  db: Writer,
  { orgId, actor, now }: IntegrationContext,
  action: AuditAction,
  providerId: string,
  detail: string | null,
): Promise<void> {
  await recordAudit(db, { orgId, at: now, actor, action, target: providerId, detail });
}
