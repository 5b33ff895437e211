import * as v from "valibot";
import type { OrgId } from "@flowstate/shared/ids";
import { policyDocument, type PolicyDocument } from "@flowstate/shared/policy/document";
import type { Reader } from "../store/open.ts";
import type { PolicyState, PolicyTables } from "./tables.ts";

export interface PolicyVersion {
  readonly version: number;
  readonly state: PolicyState;
  readonly document: PolicyDocument;
  readonly note: string | null;
  /** The version that was active when this one was drafted. */
  readonly baseVersion: number | null;
  readonly draftedAt: number;
  readonly draftedBy: string;
  readonly activatedAt: number | null;
  readonly activatedBy: string | null;
  readonly archivedAt: number | null;
}

/** The one active policy; null before the first was activated. */
export async function readActivePolicy(db: Reader, orgId: OrgId): Promise<PolicyVersion | null> {
  const row = await db
    .selectFrom("policy_versions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("state", "=", "ACTIVE")
    .executeTakeFirst();
  return row === undefined ? null : toVersion(row);
}

export async function readPolicy(db: Reader, orgId: OrgId, version: number): Promise<PolicyVersion | null> {
  const row = await db
    .selectFrom("policy_versions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("version", "=", BigInt(version))
    .executeTakeFirst();
  return row === undefined ? null : toVersion(row);
}

/** Versions, drafts among them, the newest first. */
export async function listPolicies(
  db: Reader,
  orgId: OrgId,
  limit: number,
): Promise<readonly PolicyVersion[]> {
  const rows = await db
    .selectFrom("policy_versions")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("version", "desc")
    .limit(limit)
    .execute();
  return rows.map(toVersion);
}

function toVersion(row: PolicyTables["policy_versions"]): PolicyVersion {
  return {
    version: Number(row.version),
    state: row.state,
    document: v.parse(policyDocument, JSON.parse(row.document)),
    note: row.note,
    baseVersion: row.base_version === null ? null : Number(row.base_version),
    draftedAt: row.drafted_at,
    draftedBy: row.drafted_by,
    activatedAt: row.activated_at,
    activatedBy: row.activated_by,
    archivedAt: row.archived_at,
  };
}
