export interface AuditTables {
  audit_log: {
    org_id: string;
    sequence: bigint;
    recorded_at: number;
    actor: string;
    action: string;
    target: string | null;
    detail: string | null;
    previous_hash: string;
    hash: string;
  };
  /** The newest entry, so that cutting off the end shows; also the lock under which entries are numbered. */
  audit_heads: {
    org_id: string;
    sequence: bigint;
    hash: string;
  };
}
