import type { MatchRule } from "./facts.ts";
import type { Action, Status } from "./status.ts";

export interface ReconciliationTables {
  /** Held by whoever changes where an organisation's rows stand. */
  reconciliation_locks: { org_id: string };
  /** A month's figures as the last run and the actions since left them: JSON of `Figures`. */
  reconciliation_figures: { org_id: string; period: string; kept_at: number; figures: string };
  /** Where a billing row stands. A row that is not here yet is unreconciled. */
  reconciliation_rows: {
    org_id: string;
    row_id: string;
    /** The month in whose queue it stands: the bill's, until it was deferred. */
    period: string;
    status: Status;
    /** Grows with each change. */
    version: bigint;
    match_id: string | null;
    note: string | null;
    /** The month in which a deferred row returns. */
    deferred_to: string | null;
    /** The amount that was accepted; the provider may restate it later. */
    confirmed_nano_usd: bigint | null;
    updated_at: number;
  };
  reconciliation_matches: {
    org_id: string;
    /** Made from its lines and facts: the same match keeps its id. */
    match_id: string;
    period: string;
    rule: MatchRule;
    billed_nano_usd: bigint;
    observed_nano_usd: bigint;
    /** 0 or 1. */
    ambiguous: bigint;
    /** JSON array of `Evidence`. */
    evidence: string;
    /** JSON array of row, subject and decimal nano-dollars. */
    shares: string;
    matched_at: number;
  };
  /** A fact is used by one match at most. */
  matched_facts: { org_id: string; fact_id: string; match_id: string };
  /** Actions that carried an idempotency key: the same key again changes nothing. */
  reconciliation_actions: {
    org_id: string;
    idempotency_key: string;
    row_id: string;
    action: Action;
    acted_at: number;
  };
}
