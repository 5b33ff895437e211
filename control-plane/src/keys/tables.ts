import type { KeyKind } from "@flowstate/shared/keys";

export interface KeyTables {
  keys: {
    org_id: string;
    key_id: string;
    kind: KeyKind;
    /** HMAC of the key under the installation's pepper; the key itself is nowhere. */
    hash: string;
    name: string | null;
    /** Who a personal or service-account key speaks for; null for the other kinds. */
    subject: string | null;
    /** Permission names separated by commas; null for kinds that carry none. */
    permissions: string | null;
    created_at: number;
    created_by: string;
    expires_at: number | null;
    revoked_at: number | null;
    last_used_at: number | null;
  };
}
