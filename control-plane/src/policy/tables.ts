import type { PolicyAction } from "@flowstate/shared/policy/document";

export interface PolicyTables {
  /** Versions never change but in their state; at most one is active. */
  policy_versions: {
    org_id: string;
    version: bigint;
    state: PolicyState;
    /** The policy as JSON, with what was left out filled in and scopes by identifier. */
    document: string;
    /** Why it was drafted. */
    note: string | null;
    /** The version that was active when this one was drafted. */
    base_version: bigint | null;
    drafted_at: number;
    drafted_by: string;
    activated_at: number | null;
    /** Who activated it, which is to approve it. */
    activated_by: string | null;
    archived_at: number | null;
  };
  policy_heads: {
    org_id: string;
    /** The last number given, whether the draft still exists or not. */
    newest_version: bigint;
    /** Digest of what proxies were last told of the policy. */
    pushed: string;
  };
  /** Calls on devices that broke a rule, by UTC day. */
  policy_hits: {
    org_id: string;
    /** First instant of the day. */
    day_at: number;
    /** The policy's version. */
    version: bigint;
    rule: string;
    subject: string;
    /** 0 where the organisation only observed. */
    enforced: bigint;
    action: PolicyAction;
    calls: bigint;
    last_at: number;
  };
  agent_settings: {
    org_id: string;
    /** JSON: every setting. */
    settings: string;
    updated_at: number;
    updated_by: string;
  };
}

export type PolicyState = "DRAFT" | "ACTIVE" | "ARCHIVED";
