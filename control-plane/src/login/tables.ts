export interface LoginTables {
  /** Signed-in browsers. */
  logins: {
    org_id: string;
    /** SHA-256 of the cookie's value. */
    login_hash: string;
    member_id: string;
    created_at: number;
    seen_at: number;
    expires_at: number;
  };
  sign_in_links: {
    org_id: string;
    link_hash: string;
    member_id: string;
    created_at: number;
    expires_at: number;
    used_at: number | null;
  };
  /** Failed attempts in a window, by e-mail and by address, across all control planes. */
  sign_in_failures: {
    org_id: string;
    bucket: string;
    failures: bigint;
    window_started_at: number;
  };
}
