import * as v from "valibot";
import { instant } from "./instant.ts";

const whole = v.pipe(v.number(), v.safeInteger());

/**
 * How often calls on a device broke a rule since this was told last: a further kind of event beside the calls of a
 * session batch, an increment under a number that its outbox never uses twice.
 */
export const policyHits = v.object({
  seq: v.pipe(whole, v.minValue(0)),
  kind: v.literal("policy"),
  /** The last of these calls. */
  occurredAt: instant,
  /** The policy's version. */
  version: v.pipe(whole, v.minValue(1), v.maxValue(2_147_483_647)),
  /** The rule's name. */
  rule: v.pipe(v.string(), v.regex(/^[^\p{Cc}]+$/u), v.maxCodePoints(100)),
  action: v.picklist(["OBSERVE", "WARN", "BLOCK"]),
  /** False where the organisation only observed. */
  enforced: v.boolean(),
  calls: v.pipe(whole, v.minValue(1), v.maxValue(1_000_000)),
});

export type PolicyHits = v.InferOutput<typeof policyHits>;
