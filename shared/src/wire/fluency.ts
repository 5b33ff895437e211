import * as v from "valibot";
import { instant } from "./instant.ts";

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

const name = v.pipe(v.string(), v.minCodePoints(1), v.maxCodePoints(200));
const whole = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(whole, v.minValue(0), v.maxValue(100_000));

/** Turns of a person in which a behaviour could have shown, and those in which it did. */
export const fluencyCount = v.pipe(
  v.object({ observed: count, opportunities: count }),
  v.check(({ observed, opportunities }) => observed <= opportunities, "observed is more than opportunities"),
);

/**
 * What one conversation shows, as counts: a further kind of event beside the calls of a session batch. A control plane
 * that does not know it rejects it by its number and takes the rest.
 */
export const fluencyEvent = v.object({
  seq: v.pipe(whole, v.minValue(0)),
  kind: v.literal("fluency"),
  sessionId: name,
  tool: name,
  /** The person's last turn. */
  occurredAt: instant,
  /** Of the rules: results of different versions are not compared. */
  ruleVersion: v.pipe(whole, v.minValue(1), v.maxValue(1_000_000)),
  /** Grows with each telling of the same conversation. */
  revision: v.pipe(whole, v.minValue(1)),
  indicators: v.strictObject(v.entriesFromList(fluencyIndicators, fluencyCount)),
});

export type FluencyCount = v.InferOutput<typeof fluencyCount>;
export type FluencyCounts = Readonly<Record<FluencyIndicator, FluencyCount>>;
export type FluencyEvent = v.InferOutput<typeof fluencyEvent>;
