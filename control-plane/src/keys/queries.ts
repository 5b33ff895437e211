import type { OrgId } from "@flowstate/shared/ids";
import type { KeyKind } from "@flowstate/shared/keys";
import type { ActiveKey } from "@flowstate/shared/wire/push";
import type { Reader } from "../store/open.ts";

/** What people may see of a key. */
export interface KeyListing {
  readonly keyId: string;
  readonly kind: KeyKind;
  readonly name: string | null;
  readonly permissions: readonly string[];
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

/** Keys of one kind, the newest first, revoked ones included. */
export async function listKeys(db: Reader, orgId: OrgId, kind: KeyKind): Promise<readonly KeyListing[]> {
  const rows = await db
    .selectFrom("keys")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("kind", "=", kind)
    .orderBy("created_at", "desc")
    .orderBy("key_id")
    .execute();
  return rows.map((row) => ({
    keyId: row.key_id,
    kind: row.kind,
    name: row.name,
    permissions: row.permissions?.split(",") ?? [],
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  }));
}

/** The organisation's active key as people may know it, or null before the first was provisioned. */
export async function activeOrgKey(
  db: Reader,
  orgId: OrgId,
): Promise<{ readonly keyId: string; readonly provisionedAt: number } | null> {
  const row = await db
    .selectFrom("keys")
    .select(["key_id", "created_at"])
    .where("org_id", "=", orgId)
    .where("kind", "=", "org")
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  return row === undefined ? null : { keyId: row.key_id, provisionedAt: row.created_at };
}

/** The keys that a proxy of this organisation accepts from devices. */
export async function deviceKeys(db: Reader, orgId: OrgId, now: number): Promise<ActiveKey[]> {
  const rows = await db
    .selectFrom("keys")
    .select(["key_id", "kind", "hash", "subject"])
    .where("org_id", "=", orgId)
    .where("kind", "in", ["org", "service_account", "personal"])
    .where("revoked_at", "is", null)
    .where((where) => where.or([where("expires_at", "is", null), where("expires_at", ">", now)]))
    .orderBy("key_id")
    .execute();
  return rows.map((row) => ({
    orgId,
    keyId: row.key_id,
    kind: row.kind as ActiveKey["kind"],
    hash: row.hash,
    subject: row.subject,
  }));
}
