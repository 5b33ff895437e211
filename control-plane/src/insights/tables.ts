export interface InsightTables {
  /** What a person paid for usage in a month, made from `usage_hours`; a project is empty where calls name none. */
  usage_months: {
    org_id: string;
    period: string;
    subject: string;
    project: string;
    /** Calls within a flat plan, and free ones, are not in it. */
    paid_nano_usd: bigint;
  };
  /** One making of forecasts; a day's later one takes the place of the earlier. */
  forecast_runs: {
    org_id: string;
    /** UTC day on which it was made. */
    as_of: string;
    made_at: number;
    people: bigint;
    /** Share of past values within the bands, in millionths; null without a past. */
    covered_80_ppm: bigint | null;
    covered_95_ppm: bigint | null;
    /** 1 where the bands come from the organisation's own errors. */
    own_bands: bigint;
  };
  forecasts: {
    org_id: string;
    as_of: string;
    kind: "organisation" | "project" | "team";
    /** Empty for the organisation, and for what belongs to no project or no team. */
    node_id: string;
    rationale: string;
    confidence: "LOW" | "MEDIUM" | "HIGH";
    method: string;
    headcount: bigint;
    fte_ppm: bigint;
    allocated_until: string | null;
    actual_30d_nano_usd: bigint;
    /** In millionths. */
    backtest_mase_ppm: bigint | null;
    /** JSON: whole months with what they cost, in decimal nano-dollars. */
    actuals: string;
    /** JSON: the current month and those ahead, expected and by band, in decimal nano-dollars. */
    points: string;
  };
}
