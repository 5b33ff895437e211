import type { FluencyIndicator } from "@flowstate/shared/wire/fluency";

/** The four competencies of the 4D framework of AI fluency. No conversation shows diligence. */
export const competencies = ["DESCRIPTION", "DELEGATION", "DISCERNMENT", "DILIGENCE"] as const;

export type Competency = (typeof competencies)[number];

export interface IndicatorFacts {
  readonly competency: Competency;
  /** As people read it. */
  readonly label: string;
  /**
   * Share of 9,830 conversations of several turns on claude.ai, January 2026, that showed it: Anthropic, "The AI Fluency
   * Index", 23 February 2026 (anthropic.com/research/AI-fluency-index).
   */
  readonly baseline: number;
}

export const indicatorFacts: Readonly<Record<FluencyIndicator, IndicatorFacts>> = {
  iterates_and_refines: { competency: "DESCRIPTION", label: "Iterates and refines", baseline: 0.857 },
  provides_examples: { competency: "DESCRIPTION", label: "Provides examples", baseline: 0.411 },
  specifies_format: { competency: "DESCRIPTION", label: "Specifies the format", baseline: 0.3 },
  sets_interaction_mode: { competency: "DESCRIPTION", label: "Sets the interaction mode", baseline: 0.3 },
  states_tone_and_style: { competency: "DESCRIPTION", label: "States tone and style", baseline: 0.227 },
  defines_audience: { competency: "DESCRIPTION", label: "Defines the audience", baseline: 0.176 },
  clarifies_goal: { competency: "DELEGATION", label: "Clarifies the goal", baseline: 0.511 },
  consults_on_approach: { competency: "DELEGATION", label: "Consults on the approach", baseline: 0.101 },
  identifies_missing_context: {
    competency: "DISCERNMENT",
    label: "Identifies missing context",
    baseline: 0.203,
  },
  questions_reasoning: { competency: "DISCERNMENT", label: "Questions the reasoning", baseline: 0.158 },
  checks_facts: { competency: "DISCERNMENT", label: "Checks facts", baseline: 0.087 },
};
