import * as v from "valibot";
import { countsOf } from "./counts.ts";
import { instant } from "./instant.ts";

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

const name = v.pipe(v.string(), v.minCodePoints(1), v.maxCodePoints(200));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(1_000_000));

/**
 * Requests, or answers, in which a content rule found something, by kind and number and never by a word of it: further
 * kinds of events beside the calls of a session batch. Answers are a kind of their own, so that a control plane that
 * does not know them rejects them and takes none for a request.
 */
export const contentEvent = v.object({
  seq: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** content: found in what was sent; answer: in what the model answered. */
  kind: v.picklist(["content", "answer"]),
  /** The last of the requests. */
  occurredAt: instant,
  sessionId: v.nullable(name),
  provider: name,
  host: v.pipe(v.string(), v.minCodePoints(1), v.maxCodePoints(255)),
  tool: name,
  model: v.nullable(name),
  /** Name of the rule, and what it says to do. */
  rule: name,
  action: v.picklist(["OBSERVE", "WARN", "BLOCK"]),
  /** False where the organisation only observes. */
  enforced: v.boolean(),
  /** Those that held it, or whose answers did. */
  requests: count,
  /** The most that one of them held of a kind. */
  found: countsOf(contentKinds, count),
});

export type ContentEvent = v.InferOutput<typeof contentEvent>;
export type ContentCounts = ContentEvent["found"];
