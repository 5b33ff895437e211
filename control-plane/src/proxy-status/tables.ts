export interface QuotaTables {
  /** Requests a subject may make in a month; the empty subject is everybody's default. */
  quotas: { org_id: string; subject: string; requests: bigint };
  proxy_captures: { org_id: string; first_seen_at: number; last_capture_at: number };
}
