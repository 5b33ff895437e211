import { z } from "zod";

/**
 * What can be seen in a conversation of the 4D framework of AI fluency (Dakan and Feller, with Anthropic): eleven
 * behaviours of three competencies. The fourth, diligence, happens outside conversations.
 */
export const fluencyIndicators = [
  "iterates_and_refines",
  "provides_examples",
  "specifies_format",
  "sets_interaction_mode",
  "states_tone_and_style",
  "defines_audience",
  "clarifies_goal",
  "consults_on_approach",
  "identifies_missing_context",
  "questions_reasoning",
  "checks_facts",
] as const;

export type FluencyIndicator = (typeof fluencyIndicators)[number];

const count = z.number().int().nonnegative().max(100_000);

/** Turns of a person in which a behaviour could have shown, and those in which it did. */
export const fluencyCount = z
  .object({ observed: count, opportunities: count })
  .refine(({ observed, opportunities }) => observed <= opportunities, "observed is more than opportunities");

/**
 * What one conversation shows, as counts: a further kind of event beside the calls of a session batch. A control plane
 * that does not know it rejects it by its number and takes the rest.
 */
export const fluencyEvent = z.object({
  seq: z.number().int().nonnegative(),
  kind: z.literal("fluency"),
  sessionId: z.string().min(1).max(200),
  tool: z.string().min(1).max(200),
  /** The person's last turn. */
  occurredAt: z.iso.datetime({ offset: true }),
  /** Of the rules: results of different versions are not compared. */
  ruleVersion: z.number().int().positive().max(1_000_000),
  /** Grows with each telling of the same conversation. */
  revision: z.number().int().positive(),
  indicators: z.record(z.enum(fluencyIndicators), fluencyCount),
});

export type FluencyCount = z.infer<typeof fluencyCount>;
export type FluencyCounts = Readonly<Record<FluencyIndicator, FluencyCount>>;
export type FluencyEvent = z.infer<typeof fluencyEvent>;
