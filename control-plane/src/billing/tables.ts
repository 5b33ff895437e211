import type { IdentityKind } from "../directory/tables.ts";

/** billed: the vendor's money; estimated: the vendor's guess; allocated: our share of a billed total. */
export type Grade = "billed" | "estimated" | "allocated";

/** FOCUS ChargeCategory. */
export type ChargeCategory = "Usage" | "Purchase" | "Credit" | "Tax" | "Adjustment";

export interface BillingTables {
  /** Integrations with vendors' billing APIs, and imports. A removed one stays, for its rows' sake. */
  usage_providers: {
    org_id: string;
    provider_id: string;
    /** A `UsageProviderKind`. */
    kind: string;
    name: string;
    state: "ACTIVE" | "ERROR" | "SYNCING";
    /** Sealed credentials; null where the kind has none and once removed. */
    sealed_credentials: string | null;
    /** Keyed hash of the credentials: the same ones are not added twice. */
    credential_hash: string | null;
    /** The vendor's identifier of the organisation that the credentials belong to, where it states one. */
    account: string | null;
    last_sync_at: number | null;
    /** The provider's own words, without key material, when the last sync failed. */
    last_error: string | null;
    /** UTC days that have been pulled whole. */
    covered_from_day: string | null;
    covered_until_day: string | null;
    created_at: number;
    removed_at: number | null;
  };
  /** One line of a vendor's bill in its newest revision. */
  billing_rows: {
    org_id: string;
    /** Made from `provider_id` and `fact_key`, so a second pull finds the same row. */
    row_id: string;
    provider_id: string;
    kind: string;
    /** The line's natural key at the vendor. */
    fact_key: string;
    revision: bigint;
    grade: Grade;
    charge_category: ChargeCategory;
    /** FOCUS ChargeFrequency. */
    charge_frequency: "Usage-Based" | "Recurring" | "One-Time";
    /** Catalogue id of the service. */
    service: string;
    /** The vendor's account, organisation or workspace that pays. */
    account: string | null;
    identity_kind: IdentityKind;
    identity_value: string | null;
    /** The person, once the identity map knows one. */
    subject: string | null;
    /** The vendor's UTC day, `YYYY-MM-DD`, and its month. */
    usage_day: string;
    period: string;
    description: string;
    amount_nano_usd: bigint;
    /** As the vendor stated it. */
    original_amount: string | null;
    original_currency: string;
    /** Decimal text: US dollars for one unit of `original_currency`; null where that is USD. */
    exchange_rate: string | null;
    exchange_source: string | null;
    exchange_day: string | null;
    list_nano_usd: bigint | null;
    model: string | null;
    sku: string | null;
    input_tokens: bigint | null;
    output_tokens: bigint | null;
    cache_read_tokens: bigint | null;
    cache_write_tokens: bigint | null;
    requests: bigint | null;
    /** Decimal text of what was consumed, and its unit, where it is not tokens. */
    quantity: string | null;
    unit: string | null;
    /** 1 once the day is older than the provider's settling time. */
    settled: bigint;
    /** SHA-256 of the vendor's record, hexadecimal. */
    raw_hash: string;
    import_id: string | null;
    first_seen_at: number;
    updated_at: number;
    /** When the pull began that had it last. */
    last_seen_at: number;
    /** When a later complete pull no longer had it. */
    withdrawn_at: number | null;
  };
  /** What a row said before the provider restated it; one entry for each revision, the newest included. */
  billing_revisions: {
    org_id: string;
    row_id: string;
    revision: bigint;
    amount_nano_usd: bigint;
    original_amount: string | null;
    original_currency: string;
    raw_hash: string;
    recorded_at: number;
  };
}
