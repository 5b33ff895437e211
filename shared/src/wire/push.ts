import { z } from "zod";
import { proxyPolicy } from "./policy.ts";

/** One active key as a proxy knows it: its hash, never the key. */
export const activeKey = z.object({
  orgId: z.string().min(1),
  keyId: z.string().min(1),
  kind: z.enum(["org", "service_account", "personal"]),
  /** HMAC-SHA-256 of the key under the snapshot's pepper, lower-case hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Who the key speaks for where it is bound to an owner; null for an organisation's key. */
  subject: z.string().nullable(),
});

/** Subjects over their monthly quota, so that every proxy refuses them alike where the policy enforces it. */
export const orgState = z.object({
  orgId: z.string().min(1),
  policy: proxyPolicy,
  overQuota: z.array(z.string()),
});

/** All a proxy needs to decide on its own, replaced whole. Served by `GET /ingest/v1/snapshot` and pushed by the stream. */
export const proxySnapshot = z.object({
  /** Grows with every change; also the `ETag`. */
  revision: z.number().int().nonnegative(),
  issuedAt: z.string(),
  /** Base64 of the pepper under which `keys[].hash` was made. */
  pepper: z.string().min(1),
  keys: z.array(activeKey),
  orgs: z.array(orgState),
});

/** Messages of `GET /ingest/v1/stream` (WebSocket), control plane to proxy. */
export const pushMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("snapshot"), snapshot: proxySnapshot }),
  /** Sent ahead of the snapshot that lacks the key, because revocation is urgent. */
  z.object({ type: z.literal("revoked"), keyId: z.string() }),
]);

export type ActiveKey = z.infer<typeof activeKey>;
export type OrgState = z.infer<typeof orgState>;
export type ProxySnapshot = z.infer<typeof proxySnapshot>;
export type PushMessage = z.infer<typeof pushMessage>;
