export interface OAuthTables {
  /**
   * What the authorization server remembers: clients, grants, codes, tokens. A client belongs to the installation, and
   * whose grant it is stands in the account of the payload, so these rows have no organisation of their own.
   */
  oauth_records: {
    /** The server's name of the kind, e.g. `RefreshToken`. */
    model: string;
    /** SHA-256 of the identifier, which is the secret itself for codes and tokens. */
    id_hash: string;
    payload: string;
    grant_id: string | null;
    uid: string | null;
    consumed_at: number | null;
    expires_at: number | null;
    /** Whose it is, of a grant: `ORG/MEMBER`. */
    account_id: string | null;
    /** When a grant was last used over MCP, to the minute. */
    used_at: number | null;
  };
}
