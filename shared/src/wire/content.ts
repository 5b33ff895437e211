import { z } from "zod";

/** What a content rule can find. */
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
 * Requests, or answers, in which a content rule found something, by kind and number and never by a word of it: further
 * kinds of events beside the calls of a session batch. Answers are a kind of their own, so that a control plane that
 * does not know them rejects them and takes none for a request.
 */
export const contentEvent = z.object({
  seq: z.number().int().nonnegative(),
  /** content: found in what was sent; answer: in what the model answered. */
  kind: z.enum(["content", "answer"]),
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
  /** Those that held it, or whose answers did. */
  requests: count,
  /** The most that one of them held of a kind. */
  found: z.partialRecord(z.enum(contentKinds), count),
});

export type ContentEvent = z.infer<typeof contentEvent>;
export type ContentCounts = ContentEvent["found"];
