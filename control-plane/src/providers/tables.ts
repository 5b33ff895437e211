import type { IdentityKind } from "../directory/tables.ts";

export interface ProviderTables {
  /** Every attempt to pull a window from a vendor. */
  sync_runs: {
    org_id: string;
    sync_id: string;
    provider_id: string;
    cause: "schedule" | "request" | "test";
    from_day: string;
    until_day: string;
    state: "RUNNING" | "DONE" | "FAILED" | "STOPPED";
    /** Lines read so far, and what became of them. */
    lines: bigint;
    added: bigint;
    revised: bigint;
    withdrawn: bigint;
    started_at: number;
    ended_at: number | null;
    error: string | null;
  };
  /** What a vendor says was used, without money: it splits bills that name no person. */
  vendor_usage: {
    org_id: string;
    usage_id: string;
    provider_id: string;
    kind: string;
    service: string;
    usage_day: string;
    /** The cell of the bill it belongs to: project or workspace, and key. */
    account: string | null;
    api_key: string | null;
    identity_kind: IdentityKind;
    identity_value: string | null;
    /** The person, once the identity map knows one. */
    subject: string | null;
    model: string | null;
    input_tokens: bigint | null;
    output_tokens: bigint | null;
    cache_read_tokens: bigint | null;
    cache_write_tokens: bigint | null;
    requests: bigint | null;
    last_seen_at: number;
  };
  /** What one unit of a currency is worth, from a day on until the next entry. */
  exchange_rates: {
    org_id: string;
    currency: string;
    from_day: string;
    /** US dollars for one unit, decimal text. */
    usd: string;
    /** Where the rate comes from, e.g. "ECB reference rate". */
    source: string;
    set_by: string;
    set_at: number;
  };
}
