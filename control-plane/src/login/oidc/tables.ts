import type { Role } from "../../access/roles.ts";

export interface OidcTables {
  oidc_settings: {
    org_id: string;
    issuer: string;
    client_id: string;
    sealed_secret: string;
    /** JSON array. */
    email_domains: string;
    default_role: Exclude<Role, "owner"> | null;
    group_claim: string | null;
    /** JSON array of `{group, role}`. */
    group_roles: string;
    /** 1: everybody but owners signs in here alone. */
    only_oidc: bigint;
    updated_at: number;
  };
  /** Whom the identity provider means by its name for a person. */
  oidc_accounts: {
    org_id: string;
    issuer: string;
    subject: string;
    member_id: string;
    linked_at: number;
  };
}
