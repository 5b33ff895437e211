import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { hashKey, keyLabel, mintKey, type KeyKind, type ParsedKey } from "@flowstate/shared/keys";
import type { Permission } from "../access/permissions.ts";
import { recordAudit, type AuditAction } from "../audit/record.ts";
import { raiseRevision } from "../orgs/orgs.ts";
import type { Writer } from "../store/open.ts";

/** What every change of keys needs to know. */
export interface KeyContext {
  readonly orgId: OrgId;
  /** As it stands in the audit log. */
  readonly actor: string;
  readonly pepper: Buffer;
  readonly now: number;
}

/** A new key in clear text: shown once, stored nowhere. */
export interface KeyReveal {
  readonly key: string;
  readonly keyId: string;
}

/**
 * A new organisation key. The one before is revoked in the same transaction, so that at every moment at most one is
 * active; the revision tells the proxies.
 */
export async function provisionOrgKey(
  db: Writer,
  context: KeyContext,
): Promise<KeyReveal & { readonly revokedKeyId: string | null }> {
  // First, because it also makes a second provisioning of the same organisation wait.
  await raiseRevision(db, context.orgId);
  const revoked = await db
    .updateTable("keys")
    .set({ revoked_at: context.now })
    .where("org_id", "=", context.orgId)
    .where("kind", "=", "org")
    .where("revoked_at", "is", null)
    .returning("key_id")
    .executeTakeFirst();
  const revokedKeyId = revoked?.key_id ?? null;
  const minted = await insertKey(db, context, { kind: "org" });
  const detail = revokedKeyId === null ? null : `revokes ${keyLabel("org", revokedKeyId)}`;
  await audit(db, context, "org_key.provisioned", minted, detail);
  return { key: minted.text, keyId: minted.keyId, revokedKeyId };
}

/**
 * A new key that speaks for a service account, whatever the user name beside it says. The one before is revoked in the
 * same transaction. The caller raises the revision and writes the audit entry of what it does to the account.
 */
export async function provisionServiceAccountKey(
  db: Writer,
  context: KeyContext,
  { name, subject }: { readonly name: string; readonly subject: string },
): Promise<KeyReveal & { readonly revokedKeyId: string | null }> {
  const revoked = await db
    .updateTable("keys")
    .set({ revoked_at: context.now })
    .where("org_id", "=", context.orgId)
    .where("kind", "=", "service_account")
    .where("subject", "=", subject)
    .where("revoked_at", "is", null)
    .returning("key_id")
    .executeTakeFirst();
  const minted = await insertKey(db, context, { kind: "service_account", name, subject });
  return { key: minted.text, keyId: minted.keyId, revokedKeyId: revoked?.key_id ?? null };
}

/**
 * A new key that speaks for one person, whatever the user name beside it says. The caller raises the revision and writes
 * the audit entry.
 */
export async function issuePersonalKey(
  db: Writer,
  context: KeyContext,
  { name, subject }: { readonly name: string; readonly subject: string },
): Promise<KeyReveal> {
  const minted = await insertKey(db, context, { kind: "personal", name, subject });
  return { key: minted.text, keyId: minted.keyId };
}

export interface ApiKeyRequest {
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly expiresAt: number | null;
}

export async function createApiKey(
  db: Writer,
  context: KeyContext,
  request: ApiKeyRequest,
): Promise<KeyReveal> {
  const name = requireName(request.name);
  if (request.expiresAt !== null && request.expiresAt <= context.now) {
    throw new FlowstateError("FS_INPUT_INVALID", "the key's expiry is not in the future");
  }
  const minted = await insertKey(db, context, { ...request, name, kind: "api" });
  await audit(db, context, "api_key.created", minted, `${name}: ${request.permissions.join(", ")}`);
  return { key: minted.text, keyId: minted.keyId };
}

/** A proxy's right to read this organisation's keys and to report its meters. */
export async function enrolProxy(db: Writer, context: KeyContext, name: string): Promise<KeyReveal> {
  const minted = await insertKey(db, context, { kind: "enrolment", name: requireName(name) });
  await audit(db, context, "proxy.enrolled", minted, name.trim());
  return { key: minted.text, keyId: minted.keyId };
}

const revocations: Readonly<Record<KeyKind, AuditAction>> = {
  org: "org_key.revoked",
  service_account: "service_account_key.revoked",
  personal: "personal_key.revoked",
  api: "api_key.revoked",
  enrolment: "proxy.revoked",
};

/** Revokes an active key of one of the kinds. False when there is none with that id. */
export async function revokeKey(
  db: Writer,
  context: Omit<KeyContext, "pepper">,
  keyId: string,
  kinds: readonly KeyKind[],
): Promise<boolean> {
  const revoked = await db
    .updateTable("keys")
    .set({ revoked_at: context.now })
    .where("org_id", "=", context.orgId)
    .where("key_id", "=", keyId)
    .where("kind", "in", kinds)
    .where("revoked_at", "is", null)
    .returning(["kind", "name"])
    .executeTakeFirst();
  if (revoked === undefined) return false;
  await raiseRevision(db, context.orgId);
  await audit(db, context, revocations[revoked.kind], { kind: revoked.kind, keyId }, revoked.name);
  return true;
}

interface NewKey {
  readonly kind: KeyKind;
  readonly name?: string;
  readonly subject?: string;
  readonly permissions?: readonly Permission[];
  readonly expiresAt?: number | null;
}

async function insertKey(
  db: Writer,
  { orgId, actor, pepper, now }: KeyContext,
  key: NewKey,
): Promise<ParsedKey> {
  const minted = mintKey(key.kind);
  await db
    .insertInto("keys")
    .values({
      org_id: orgId,
      key_id: minted.keyId,
      kind: key.kind,
      hash: hashKey(minted.text, pepper),
      name: key.name ?? null,
      subject: key.subject ?? null,
      permissions: key.permissions?.join(",") ?? null,
      created_at: now,
      created_by: actor,
      expires_at: key.expiresAt ?? null,
      revoked_at: null,
      last_used_at: null,
    })
    .execute();
  return minted;
}

async function audit(
  db: Writer,
  { orgId, actor, now }: Omit<KeyContext, "pepper">,
  action: AuditAction,
  { kind, keyId }: Pick<ParsedKey, "kind" | "keyId">,
  detail: string | null,
): Promise<void> {
  await recordAudit(db, { orgId, at: now, actor, action, target: keyLabel(kind, keyId), detail });
}

function requireName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === "" || trimmed.length > 100) {
    throw new FlowstateError("FS_INPUT_INVALID", "a key's name takes 1 to 100 characters");
  }
  return trimmed;
}
