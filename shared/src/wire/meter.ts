import * as v from "valibot";
import { countsOf } from "./counts.ts";
import { listOf } from "./list.ts";
import { uuid } from "./uuid.ts";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const instant = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const textBetween = (least: number, most: number) =>
  v.pipe(v.string(), v.minCodePoints(least), v.maxCodePoints(most));

/** How the SNI of a tunnel's first flight relates to the CONNECT target. */
export const sniOutcomes = ["equal", "same_provider", "mismatch", "none", "ech", "not_tls"] as const;

/**
 * What one proxy worker saw of one subject at one host in one UTC hour since its last report: an increment, never a
 * running total, so that rows add up whatever restarts lie between them. `seq` grows by one a row in its source.
 */
export const meterRow = v.object({
  seq: count,
  orgId: textBetween(1, 64),
  subject: textBetween(3, 254),
  host: textBetween(1, 255),
  /** Start of the UTC hour, epoch milliseconds. */
  hour: instant,
  tunnels: count,
  failedTunnels: count,
  /** Requests counted exactly (plain forwarding). */
  requests: count,
  /** Requests estimated from TLS record turns, never part of `requests`. */
  estimatedRequests: count,
  /** How `estimatedRequests` was made, for example `turns/v1`; null where there are none. */
  estimateMethod: v.nullable(v.pipe(v.string(), v.maxCodePoints(32))),
  bytesUp: count,
  bytesDown: count,
  firstSeenAt: instant,
  lastSeenAt: instant,
  sni: v.optional(countsOf(sniOutcomes, count), {}),
  wouldDeny: v.optional(count, 0),
});

/** Credentials refused by reason, for the admin to see which payload failed; without who sent them. */
export const refusalReasons = [
  "missing",
  "malformed",
  "placeholder",
  "not_an_email",
  "unknown_key",
  "revoked_key",
  "clear_text",
] as const;

export const meterBatch = v.object({
  /** The reporting worker's outbox: a UUID made with its file. */
  source: uuid,
  batch: uuid,
  rows: listOf(v.unknown(), 10_000),
  /** Credentials refused since the last batch, by reason; delivered with any batch, at most once. */
  refusals: v.optional(countsOf(refusalReasons, count)),
});

export type SniOutcome = (typeof sniOutcomes)[number];
export type RefusalReason = (typeof refusalReasons)[number];
export type MeterRow = v.InferOutput<typeof meterRow>;
export type MeterBatch = v.InferOutput<typeof meterBatch>;
