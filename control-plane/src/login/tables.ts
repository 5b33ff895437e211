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
  passkeys: {
    org_id: string;
    /** base64url, as the browser gives it. */
    credential_id: string;
    member_id: string;
    name: string;
    /** COSE_Key (RFC 9052) in base64url. */
    public_key: string;
    sign_count: bigint;
    /** 1: its maker may copy it to the person's other devices. */
    backup_eligible: bigint;
    /** 1: it has been copied. */
    backed_up: bigint;
    /** JSON array of how browsers reach it. */
    transports: string;
    created_at: number;
    used_at: number | null;
  };
  /** Flows that were finished, until they would have expired. Of the installation: a flow may begin before anybody has said of which organisation they are. */
  spent_flows: {
    flow_hash: string;
    expires_at: number;
  };
}
