import { z } from "zod";

const clockTime = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/);

/** How every agent of an organisation behaves; each takes a change up without a restart. */
export const agentSettings = z.strictObject({
  /** telemetry: host, model, counts, status, duration; enterprise: prompts and answers too. */
  captureMode: z.enum(["telemetry", "enterprise"]),
  /** auto: install what is newer in the window; notify_only: say so; manual: say so to the control plane too; disabled: do not look. */
  updatePolicy: z.enum(["auto", "notify_only", "manual", "disabled"]),
  updateChannel: z.enum(["stable", "beta"]),
  /** When updates may be installed, in UTC; a window may end on the next day. Null for any time. */
  maintenanceWindow: z
    .strictObject({
      /** 0 is Sunday. */
      weekdays: z.array(z.int().min(0).max(6)).min(1).max(7),
      from: clockTime,
      until: clockTime,
    })
    .nullable(),
  /** The one version to run, such as 1.12.1; null for the newest of the channel. */
  pinnedVersion: z
    .string()
    .regex(/^\d{1,4}\.\d{1,4}\.\d{1,6}(?:-[0-9a-z.]{1,32})?$/)
    .nullable(),
  /** The organisation's own proxy on the way out, without credentials; null for none. */
  upstreamProxy: z
    .string()
    .regex(/^https?:\/\/[^\s@/?#]{1,255}\/?$/)
    .nullable(),
  /** observe: count what the policy's rules say; enforce: do it. */
  enforcement: z.enum(["observe", "enforce"]),
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
export const appliedRule = z.object({
  /** A rule of the policy document; a type that an older agent does not know is ignored and told. */
  rule: z.looseObject({ name: z.string(), type: z.string() }),
  /** What the rule counts as spent so far, US dollars as a decimal; null for a rule that is not about spend. */
  spentUsd: z.string().nullable(),
});

/**
 * What the agent of one person is to do: the answer of `GET /ingest/v1/policy`. With `If-None-Match` and `Prefer: wait=N`
 * (RFC 7240) the answer waits up to N seconds for something new.
 */
export const agentPolicy = z.object({
  /** The policy's version; null before the first was activated. */
  version: z.int().nullable(),
  issuedAt: z.iso.datetime(),
  settings: agentSettings,
  rules: z.array(appliedRule).max(200),
  /** Whether the person works for a project that has a cost centre; null where the directory does not know the person. */
  hasCostCentre: z.boolean().nullable(),
});

export type AgentSettings = z.infer<typeof agentSettings>;
export type AgentPolicy = z.infer<typeof agentPolicy>;
