import * as v from "valibot";
import { proxyPolicy } from "./policy.ts";

const someText = v.pipe(v.string(), v.minCodePoints(1));

/** One active key as a proxy knows it: its hash, never the key. */
export const activeKey = v.object({
  orgId: someText,
  keyId: someText,
  kind: v.picklist(["org", "service_account", "personal"]),
  /** HMAC-SHA-256 of the key under the snapshot's pepper, lower-case hex. */
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  /** Who the key speaks for where it is bound to an owner; null for an organisation's key. */
  subject: v.nullable(v.string()),
});

/** Subjects over their monthly quota, so that every proxy refuses them alike where the policy enforces it. */
export const orgState = v.object({
  orgId: someText,
  policy: proxyPolicy,
  overQuota: v.array(v.string()),
});

/** All a proxy needs to decide on its own, replaced whole. Served by `GET /ingest/v1/snapshot` and pushed by the stream. */
export const proxySnapshot = v.object({
  /** Grows with every change; also the `ETag`. */
  revision: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  issuedAt: v.string(),
  /** Base64 of the pepper under which `keys[].hash` was made. */
  pepper: someText,
  keys: v.array(activeKey),
  orgs: v.array(orgState),
});

/** Messages of `GET /ingest/v1/stream` (WebSocket), control plane to proxy. */
export const pushMessage = v.variant("type", [
  v.object({ type: v.literal("snapshot"), snapshot: proxySnapshot }),
  /** Sent ahead of the snapshot that lacks the key, because revocation is urgent. */
  v.object({ type: v.literal("revoked"), keyId: v.string() }),
]);

export type ActiveKey = v.InferOutput<typeof activeKey>;
export type OrgState = v.InferOutput<typeof orgState>;
export type ProxySnapshot = v.InferOutput<typeof proxySnapshot>;
export type PushMessage = v.InferOutput<typeof pushMessage>;
