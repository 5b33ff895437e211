import { systemClock, type Clock } from "@flowstate/shared/clock";
import { orgId, type OrgId } from "@flowstate/shared/ids";
import { hashKey, parseKey, type KeyHash, type KeyKind } from "@flowstate/shared/keys";
import { parsePermissions, type Permission } from "../access/permissions.ts";
import type { Store } from "../store/open.ts";

/** An active key that was presented to us. */
export interface PresentedKey {
  readonly orgId: OrgId;
  readonly keyId: string;
  readonly kind: KeyKind;
  /** Who a personal or service-account key speaks for. */
  readonly subject: string | null;
  readonly permissions: ReadonlySet<Permission>;
}

export interface Keyring {
  /** The active key with this text, or null. A strange text costs no query. */
  check(text: string, kind: KeyKind): Promise<PresentedKey | null>;
}

/** A key may still be accepted for so long after it was revoked. */
const rememberedMs = 1000;
/** The time of last use is written no more often than this. */
const lastUseMs = 60_000;
const mostRemembered = 10_000;

/** Checks API keys and enrolment tokens; remembers each answer for a second, so that a busy caller costs one hash. */
export function createKeyring(store: Store, pepper: Buffer, clock: Clock = systemClock): Keyring {
  const remembered = new Map<KeyHash, { readonly key: PresentedKey | null; readonly until: number }>();
  return {
    async check(text, kind) {
      const parsed = parseKey(text);
      if (!parsed.ok || parsed.value.kind !== kind) return null;
      const hash = hashKey(text, pepper);
      const now = clock.now();
      const known = remembered.get(hash);
      if (known !== undefined && known.until > now) return known.key;
      const key = await findActiveKey(store, hash, now);
      if (remembered.size >= mostRemembered) remembered.clear();
      remembered.set(hash, { key, until: now + rememberedMs });
      return key;
    },
  };
}

async function findActiveKey(store: Store, hash: KeyHash, now: number): Promise<PresentedKey | null> {
  const row = await store.reader
    .selectFrom("keys")
    .select(["org_id", "key_id", "kind", "subject", "permissions", "last_used_at"])
    .where("hash", "=", hash)
    .where("revoked_at", "is", null)
    .where((where) => where.or([where("expires_at", "is", null), where("expires_at", ">", now)]))
    .executeTakeFirst();
  if (row === undefined) return null;
  if (row.last_used_at === null || row.last_used_at < now - lastUseMs) await noteUse(store, hash, now);
  const granted = parsePermissions(row.permissions ?? "");
  return {
    orgId: orgId(row.org_id),
    keyId: row.key_id,
    kind: row.kind,
    subject: row.subject,
    permissions: new Set(granted.ok ? granted.value : []),
  };
}

async function noteUse(store: Store, hash: KeyHash, now: number): Promise<void> {
  await store.transact((db) =>
    db.updateTable("keys").set({ last_used_at: now }).where("hash", "=", hash).execute(),
  );
}
