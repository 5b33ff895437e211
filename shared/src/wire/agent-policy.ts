import * as v from "valibot";
import { utcInstant } from "./instant.ts";
import { listOf } from "./list.ts";

/** 0 is Sunday. */
const weekday = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(6));
const clockTime = v.pipe(v.string(), v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/));

/** How every agent of an organisation behaves; each takes a change up without a restart. */
export const agentSettings = v.strictObject({
  /** telemetry: host, model, counts, status, duration; enterprise: prompts and answers too. */
  captureMode: v.picklist(["telemetry", "enterprise"]),
  /** auto: install what is newer in the window; notify_only: say so; manual: say so to the control plane too; disabled: do not look. */
  updatePolicy: v.picklist(["auto", "notify_only", "manual", "disabled"]),
  updateChannel: v.picklist(["stable", "beta"]),
  /** When updates may be installed, in UTC; a window may end on the next day. Null for any time. */
  maintenanceWindow: v.nullable(
    v.strictObject({
      weekdays: v.pipe(listOf(weekday, 7), v.minLength(1)),
      from: clockTime,
      until: clockTime,
    }),
  ),
  /** The one version to run, such as 1.12.1; null for the newest of the channel. */
  pinnedVersion: v.nullable(v.pipe(v.string(), v.regex(/^\d{1,4}\.\d{1,4}\.\d{1,6}(?:-[0-9a-z.]{1,32})?$/))),
  /** The organisation's own proxy on the way out, without credentials; null for none. */
  upstreamProxy: v.nullable(v.pipe(v.string(), v.regex(/^https?:\/\/[^\s@/?#]{1,255}\/?$/))),
  /** observe: count what the policy's rules say; enforce: do it. */
  enforcement: v.picklist(["observe", "enforce"]),
});

/** Until an organisation says otherwise: nothing is read that need not be, and nothing is blocked. */
export const defaultAgentSettings: AgentSettings = {
  captureMode: "telemetry",
  updatePolicy: "auto",
  updateChannel: "stable",
  maintenanceWindow: null,
  pinnedVersion: null,
  upstreamProxy: null,
  enforcement: "observe",
};

/** One rule that is for the person who asks. */
export const appliedRule = v.object({
  /** A rule of the policy document; a type that an older agent does not know is ignored and told. */
  rule: v.looseObject({ name: v.string(), type: v.string() }),
  /** What the rule counts as spent so far, US dollars as a decimal; null for a rule that is not about spend. */
  spentUsd: v.nullable(v.string()),
});

/**
 * What the agent of one person is to do: the answer of `GET /ingest/v1/policy`. With `If-None-Match` and `Prefer: wait=N`
 * (RFC 7240) the answer waits up to N seconds for something new. `GET /ingest/v1/stream` pushes it.
 */
export const agentPolicy = v.object({
  /** The policy's version; null before the first was activated. */
  version: v.nullable(v.pipe(v.number(), v.safeInteger())),
  issuedAt: utcInstant,
  settings: agentSettings,
  rules: listOf(appliedRule, 200),
  /** Whether the person works for a project that has a cost centre; null where the directory does not know the person. */
  hasCostCentre: v.nullable(v.boolean()),
});

/** Message of `GET /ingest/v1/stream` (WebSocket), control plane to agent: what is to hold from now on. */
export const policyMessage = v.object({
  type: v.literal("policy"),
  /** As in the field `ETag` of the answer; what `If-None-Match` takes. */
  etag: v.pipe(v.string(), v.minLength(1)),
  policy: agentPolicy,
});

export type PolicyMessage = v.InferOutput<typeof policyMessage>;
export type AgentSettings = v.InferOutput<typeof agentSettings>;
export type AgentPolicy = v.InferOutput<typeof agentPolicy>;
