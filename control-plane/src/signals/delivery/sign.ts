import { createHmac, randomBytes } from "node:crypto";
import { Secret } from "@flowstate/shared/secret";

const prefix = "whsec_";
const secretBytes = 32;

/** A signing secret in the form of Standard Webhooks: `whsec_` and base64. */
export function newSigningSecret(): Secret {
  return new Secret(prefix + randomBytes(secretBytes).toString("base64"));
}

/**
 * The headers by which a receiver knows that a body is ours and new: id, time of the attempt in seconds, and
 * HMAC-SHA-256 over `id.time.body`, one for each secret (Standard Webhooks 1.0, https://www.standardwebhooks.com).
 */
export function signatureHeaders(
  deliveryId: string,
  at: number,
  body: string,
  secrets: readonly [Secret, ...Secret[]],
): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${deliveryId}.${seconds}.${body}`).digest("base64")}`;
  });
  return {
    "webhook-id": deliveryId,
    "webhook-timestamp": seconds,
    "webhook-signature": signatures.join(" "),
  };
}
