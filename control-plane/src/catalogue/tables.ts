export interface CatalogueTables {
  /** AI cost of a month that somebody entered, because no provider's API states it. */
  ai_agent_entries: {
    org_id: string;
    entry_id: string;
    project_id: string | null;
    name: string;
    /** Catalogue id. */
    service: string | null;
    period: string;
    amount_nano_usd: bigint;
    /** ISO 4217 code of the prices below. */
    currency: string;
    /** Decimal text: US dollars for one unit of `currency` where the amount was made from it; else null. */
    exchange_rate: string | null;
    seats: bigint | null;
    /** Decimal texts in `currency`. */
    monthly_per_seat_price: string | null;
    input_token_price_per_1m: string | null;
    output_token_price_per_1m: string | null;
    monthly_included_input_tokens: bigint | null;
    monthly_included_output_tokens: bigint | null;
    /** JSON array of team ids. */
    team_ids: string;
    note: string | null;
    entered_by: string;
    entered_at: number;
  };
}
