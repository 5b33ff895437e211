import type { RefusalReason, SniOutcome } from "@flowstate/shared/wire/meter";

/** Sums that meter rows carry; every one only grows. */
export interface MeterSums {
  tunnels: bigint;
  failed_tunnels: bigint;
  requests: bigint;
  estimated_requests: bigint;
  bytes_up: bigint;
  bytes_down: bigint;
  first_seen_at: number;
  last_seen_at: number;
}

type SniSums = { [outcome in SniOutcome as `sni_${outcome}`]: bigint };

export interface IngestTables {
  meter_hours: MeterSums &
    SniSums & {
      org_id: string;
      hour: number;
      subject: string;
      host: string;
      would_deny: bigint;
      /** How the estimated requests were made; the newest method where it changed within the hour. */
      estimate_method: string | null;
    };
  meter_months: MeterSums & { org_id: string; period: string; subject: string };
  meter_sources: {
    org_id: string;
    /** The reporting outbox. */
    source: string;
    /** The enrolment token it came with. */
    key_id: string;
    /** Sequence numbers received, as ranges: `1-812,815`. */
    received: string;
    last_batch: string;
    last_reported_at: number;
  };
  refused_credentials: { org_id: string; period: string; reason: RefusalReason; refusals: bigint };
}
