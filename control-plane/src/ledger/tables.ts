import type { JournalKind } from "./entries.ts";

export interface LedgerTables {
  /** One balanced posting: its entries sum to zero. Journals are never changed or removed. */
  ledger_journals: {
    org_id: string;
    journal_id: string;
    /** The month it counts in. */
    period: string;
    posted_at: number;
    kind: JournalKind;
    /** The billing row that it is about. */
    row_id: string;
    actor: string;
  };
  ledger_entries: {
    org_id: string;
    journal_id: string;
    line: bigint;
    row_id: string;
    account: string;
    subject: string | null;
    project: string | null;
    team: string | null;
    cost_centre: string | null;
    /** Debits are positive, credits negative. */
    amount_nano_usd: bigint;
  };
  /** A month of the books; one that is not here is open. */
  accounting_periods: {
    org_id: string;
    period: string;
    state: "closed" | "reopened";
    /** How often it was closed; the number of its newest snapshot. */
    closings: bigint;
    changed_at: number;
    changed_by: string;
    /** Why it was reopened. */
    reason: string | null;
    /** SHA-256 of the newest snapshot's lines, hexadecimal. */
    snapshot_hash: string;
  };
  /** What a month said when it was closed, a canonical JSON line for each row. */
  period_snapshots: { org_id: string; period: string; closing: bigint; row_id: string; line: string };
}
