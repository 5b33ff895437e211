import type { CallEvent } from "@flowstate/shared/wire/call";

/** Tokens by class, each counted once: `input` excludes cache, `output` includes reasoning. */
export interface TokenColumns<Count> {
  input_tokens: Count;
  output_tokens: Count;
  cache_read_tokens: Count;
  cache_write_5m_tokens: Count;
  cache_write_1h_tokens: Count;
  reasoning_tokens: Count;
}

/** Sums over calls. A call whose tokens or cost are unknown adds nothing and is counted as uncosted. */
export interface UsageSums extends TokenColumns<bigint> {
  calls: bigint;
  cost_nano_usd: bigint;
  /** Calls without a known price: the sum above says nothing of them. */
  uncosted_calls: bigint;
  estimated_calls: bigint;
}

export interface UsageTables {
  /** One AI call as observed on a device, in the best knowledge of every capture that saw it. */
  calls: TokenColumns<bigint | null> & {
    org_id: string;
    call_id: string;
    session_id: string;
    /** The reporting device. */
    source: string;
    subject: string;
    occurred_at: number;
    received_at: number;
    revision: bigint;
    provider: string;
    host: string | null;
    tool: string;
    tool_version: string | null;
    model: string | null;
    project: string | null;
    output_trust: CallEvent["outputTrust"];
    cost_nano_usd: bigint | null;
    /** 0 or 1. */
    estimated: bigint;
    estimate_method: string | null;
    capture: CallEvent["capture"];
    billing: CallEvent["billing"];
    service_tier: string | null;
    /** The answer's HTTP status. */
    status: bigint | null;
    duration_ms: bigint | null;
    parent_call_id: string | null;
  };
  /** Every name of a call, its own among them. */
  call_names: { org_id: string; name: string; call_id: string };
  /** What each device said of a call that was told more than once; a call told once is its row alone. */
  call_reports: { org_id: string; source: string; report_id: string; call_id: string; report: string };
  /** Reports that contradict what was known under their names. */
  quarantined_calls: {
    org_id: string;
    source: string;
    seq: bigint;
    subject: string;
    reason: string;
    report: string;
    received_at: number;
  };
  devices: {
    org_id: string;
    /** The device's own id, a UUID. */
    source: string;
    /** Who reported last. */
    subject: string;
    /** Sequence numbers received, as ranges: `1-812,815`. */
    received: string;
    /** How far the device's clock was ahead of ours; null until it said. */
    skew_ms: bigint | null;
    first_seen_at: number;
    last_reported_at: number;
  };
  /** How far a device understands what a version of a tool writes, or an API answers; empty text stands for none. */
  format_counts: {
    org_id: string;
    source: string;
    capture: CallEvent["capture"];
    tool: string;
    tool_version: string;
    host: string;
    /** Who reported it last. */
    subject: string;
    agent_version: string;
    /** Answers met, and those of them that gave no usage. */
    seen: bigint;
    blank: bigint;
    /** Since when this version of the agent counts. */
    first_at: number;
    last_at: number;
  };
  sessions: UsageSums & {
    org_id: string;
    session_id: string;
    subject: string;
    provider: string;
    tool: string;
    project: string | null;
    /** JSON array of model names, sorted. */
    models: string;
    started_at: number;
    ended_at: number;
  };
  /** The same calls by UTC hour. Text of the key is empty where a call does not know it. */
  usage_hours: UsageSums & {
    org_id: string;
    hour: number;
    subject: string;
    provider: string;
    tool: string;
    model: string;
    project: string;
    billing: CallEvent["billing"];
  };
  /** The same calls by UTC day, and by month, of a person and a provider: for questions about long windows. */
  usage_person_days: UsageSums & {
    org_id: string;
    /** First instant of the day. */
    day_at: number;
    subject: string;
    provider: string;
  };
  usage_person_months: UsageSums & { org_id: string; period: string; subject: string; provider: string };
  /** What is paid by the call, by person: UTC day and provider. */
  spend_days: {
    org_id: string;
    subject: string;
    /** First instant of the day. */
    day_at: number;
    provider: string;
    paid_nano_usd: bigint;
  };
}
