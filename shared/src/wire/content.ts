import { z } from "zod";

/** What a content rule can find in a request. */
export const contentKinds = [
  "api_key",
  "secret",
  "payment_card",
  "bank_account",
  "us_social_security_number",
  "email_address",
  "phrase",
] as const;

export type ContentKind = (typeof contentKinds)[number];

const name = z.string().min(1).max(200);
const count = z.number().int().positive().max(1_000_000);

/**
 * Requests in which a content rule found something, by kind and number and never by a word of it: a further kind of
 * event beside the calls of a session batch.
 */
export const contentEvent = z.object({
  seq: z.number().int().nonnegative(),
  kind: z.literal("content"),
  /** The last of the requests. */
  occurredAt: z.iso.datetime({ offset: true }),
  sessionId: name.nullable(),
  provider: name,
  host: z.string().min(1).max(255),
  tool: name,
  model: name.nullable(),
  /** Name of the rule, and what it says to do. */
  rule: name,
  action: z.enum(["OBSERVE", "WARN", "BLOCK"]),
  /** False where the organisation only observes. */
  enforced: z.boolean(),
  requests: count,
  /** The most that one of the requests held of a kind. */
  found: z.partialRecord(z.enum(contentKinds), count),
});

export type ContentEvent = z.infer<typeof contentEvent>;
export type ContentCounts = ContentEvent["found"];
