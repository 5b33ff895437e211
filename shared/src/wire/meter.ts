import { z } from "zod";

const count = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const instant = z.number().int().positive();

/** How the SNI of a tunnel's first flight relates to the CONNECT target. */
export const sniOutcomes = ["equal", "same_provider", "mismatch", "none", "ech", "not_tls"] as const;
export const sniOutcome = z.enum(sniOutcomes);

/**
 * What one proxy worker saw of one subject at one host in one UTC hour since its last report: an increment, never a
 * running total, so that rows add up whatever restarts lie between them. `seq` grows by one a row in its source.
 */
export const meterRow = z.object({
  seq: count,
  orgId: z.string().min(1).max(64),
  subject: z.string().min(3).max(254),
  host: z.string().min(1).max(255),
  /** Start of the UTC hour, epoch milliseconds. */
  hour: instant,
  tunnels: count,
  failedTunnels: count,
  /** Requests counted exactly (plain forwarding). */
  requests: count,
  /** Requests estimated from TLS record turns, never part of `requests`. */
  estimatedRequests: count,
  /** How `estimatedRequests` was made, for example `turns/v1`; null where there are none. */
  estimateMethod: z.string().max(32).nullable(),
  bytesUp: count,
  bytesDown: count,
  firstSeenAt: instant,
  lastSeenAt: instant,
  sni: z.partialRecord(sniOutcome, count).default({}),
  wouldDeny: count.default(0),
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

export const meterBatch = z.object({
  /** The reporting worker's outbox: a UUID made with its file. */
  source: z.uuid(),
  batch: z.uuid(),
  rows: z.array(z.unknown()).max(10_000),
  /** Credentials refused since the last batch, by reason; delivered with any batch, at most once. */
  refusals: z.partialRecord(z.enum(refusalReasons), count).optional(),
});

export type SniOutcome = (typeof sniOutcomes)[number];
export type RefusalReason = (typeof refusalReasons)[number];
export type MeterRow = z.infer<typeof meterRow>;
export type MeterBatch = z.infer<typeof meterBatch>;
