import type { ContentEvent } from "@flowstate/shared/wire/content";
import type { SignalCategory, SignalResolution, SignalSeverity, SignalType } from "./types.ts";

export interface SignalTables {
  signals: {
    org_id: string;
    signal_id: string;
    type: SignalType;
    category: SignalCategory;
    severity: SignalSeverity;
    /** The person or service account. */
    subject: string | null;
    service_account_id: string | null;
    session_id: string | null;
    service: string | null;
    /** Digest of what it is about, whenever it happens. */
    scope: string;
    /** JSON: the rule and what it saw. */
    detail: string;
    happened_at: number;
    detected_at: number;
    /** When it was last seen to have grown. */
    updated_at: number;
    resolution: SignalResolution | null;
    resolved_at: number | null;
    resolved_by: string | null;
    note: string | null;
  };
  /** The newest run over an organisation's data. */
  signal_runs: {
    org_id: string;
    ran_at: number;
    /** UTC day on which all days were last gone through; empty before the first time. */
    whole_day: string;
    found: bigint;
    added: bigint;
    /** Findings that wait for another day because the day's share of their type was used up. */
    held: bigint;
  };
  /** What content rules found on devices, by kind and number and never by a word of it. */
  content_findings: {
    org_id: string;
    /** The reporting device, and its number of the report. */
    source: string;
    seq: bigint;
    /** 1 where it was found in answers, 0 where in what was sent. */
    in_answer: bigint;
    subject: string;
    occurred_at: number;
    session_id: string | null;
    provider: string;
    tool: string;
    model: string | null;
    rule: string;
    action: ContentEvent["action"];
    /** 0 where the organisation only observes. */
    enforced: bigint;
    /** Those that held it, or whose answers did. */
    requests: bigint;
    /** JSON: the most that one of them held, by kind. */
    found: string;
  };
  /** What a person's UTC day came to, made from `usage_hours`. */
  person_days: {
    org_id: string;
    day: string;
    subject: string;
    /** Calls within a flat plan, and free ones, are not in it. */
    paid_nano_usd: bigint;
    calls: bigint;
    /** Hours of the day with calls. */
    active_hours: bigint;
  };
}
