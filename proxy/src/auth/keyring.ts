import { hashKey } from "@flowstate/shared/keys";
import { defaultProxyPolicy, type ProxyPolicy } from "@flowstate/shared/wire/policy";
import type { ActiveKey, ProxySnapshot } from "@flowstate/shared/wire/push";

/** The active keys and the policies, in memory. Replaced whole by a snapshot; a revocation takes effect at once. */
export interface Keyring {
  /** Null until the first snapshot: nobody can be told from anybody. */
  readonly revision: number | null;
  /** The control plane has not been heard for longer than it may be: nobody is let in any more. */
  readonly stale: boolean;
  replace(snapshot: ProxySnapshot): void;
  /** Notes when the snapshot was last known to be the present one. */
  heard(at: number): void;
  revoke(keyId: string): void;
  /** The key behind a clear text that has the form of one. Looked up by its keyed hash, so that timing tells nothing. */
  find(text: string): ActiveKey | null;
  /** The organisation that this proxy is enrolled with; null before the first snapshot. */
  readonly orgId: string | null;
  policyOf(orgId: string): ProxyPolicy;
  isOverQuota(orgId: string, subject: string): boolean;
}

interface OrgRules {
  readonly policy: ProxyPolicy;
  readonly overQuota: ReadonlySet<string>;
}

export interface KeyringOptions {
  /** How long a snapshot may be used after the control plane was last heard. */
  readonly graceMs: number;
  readonly now: () => number;
}

export function createKeyring({ graceMs, now }: KeyringOptions): Keyring {
  let heardAt = now();
  let revision: number | null = null;
  let pepper = Buffer.alloc(0);
  let keys = new Map<string, ActiveKey>();
  let orgs = new Map<string, OrgRules>();
  return {
    get revision() {
      return revision;
    },
    get stale() {
      return now() - heardAt > graceMs;
    },
    heard(at) {
      heardAt = at;
    },
    replace(snapshot) {
      pepper = Buffer.from(snapshot.pepper, "base64");
      keys = new Map(snapshot.keys.map((key) => [key.hash, key]));
      orgs = new Map(
        snapshot.orgs.map(({ orgId, policy, overQuota }) => [
          orgId,
          { policy, overQuota: new Set(overQuota) },
        ]),
      );
      revision = snapshot.revision;
    },
    revoke(keyId) {
      for (const [hash, key] of keys) if (key.keyId === keyId) keys.delete(hash);
    },
    find: (text) => (revision === null ? null : (keys.get(hashKey(text, pepper)) ?? null)),
    get orgId() {
      return orgs.keys().next().value ?? null;
    },
    policyOf: (orgId) => orgs.get(orgId)?.policy ?? defaultProxyPolicy,
    isOverQuota: (orgId, subject) => orgs.get(orgId)?.overQuota.has(subject) ?? false,
  };
}
