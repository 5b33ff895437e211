import type { FluencyIndicator } from "@flowstate/shared/wire/fluency";

type Columns<Suffix extends string> = { [Name in `${FluencyIndicator}_${Suffix}`]: bigint };

export interface FluencyTables {
  /** What a device's rules found in a conversation: counts of a person's turns, never their words. */
  fluency_sessions: Columns<"observed" | "opportunities"> & {
    org_id: string;
    session_id: string;
    subject: string;
    tool: string;
    /** UTC day of the person's last turn. */
    day: string;
    occurred_at: number;
    rule_version: bigint;
    revision: bigint;
    received_at: number;
  };
  /**
   * The same by day: conversations in which an indicator showed at least once (`present`), of those in which it could
   * (`sample`).
   */
  fluency_days: Columns<"present" | "sample"> & {
    org_id: string;
    day: string;
    subject: string;
    rule_version: bigint;
    conversations: bigint;
  };
}
