export interface ReleaseTables {
  /** Which agent each device runs, as it last told. */
  agent_versions: {
    org_id: string;
    /** The device's own id, a UUID. */
    source: string;
    /** Who told it. */
    subject: string;
    version: string;
    platform: string;
    /** The version that the organisation's settings would have there, where they say `manual`. */
    available: string | null;
    told_at: number;
  };
}
