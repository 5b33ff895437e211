import { z } from "zod";

/**
 * How often calls on a device broke a rule since this was told last: a further kind of event beside the calls of a
 * session batch, an increment under a number that its outbox never uses twice.
 */
export const policyHits = z.object({
  seq: z.number().int().nonnegative(),
  kind: z.literal("policy"),
  /** The last of these calls. */
  occurredAt: z.iso.datetime({ offset: true }),
  /** The policy's version. */
  version: z.number().int().positive().max(2_147_483_647),
  /** The rule's name. */
  rule: z
    .string()
    .regex(/^[^\p{Cc}]+$/u)
    .max(100),
  action: z.enum(["OBSERVE", "WARN", "BLOCK"]),
  /** False where the organisation only observed. */
  enforced: z.boolean(),
  calls: z.number().int().positive().max(1_000_000),
});

export type PolicyHits = z.infer<typeof policyHits>;
