import {
  fluencyIndicators,
  type FluencyCount,
  type FluencyCounts,
  type FluencyIndicator,
} from "@flowstate/shared/wire/fluency";
import { wordsOf, type Conversation } from "./conversation.ts";
import { shows } from "./phrases.ts";
import { prevailingLanguage } from "./prevailing.ts";

/** Of everything in this folder that decides a count; a change of any of it raises the number. */
export const ruleVersion = 2;

/** In which of a person's turns an indicator can show. */
type Chance = "any turn" | "before the first edit" | "after an answer";

const chances: Readonly<Record<FluencyIndicator, Chance>> = {
  iterates_and_refines: "after an answer",
  provides_examples: "any turn",
  specifies_format: "any turn",
  sets_interaction_mode: "any turn",
  states_tone_and_style: "any turn",
  defines_audience: "any turn",
  clarifies_goal: "before the first edit",
  consults_on_approach: "before the first edit",
  identifies_missing_context: "any turn",
  questions_reasoning: "after an answer",
  checks_facts: "after an answer",
};

/**
 * Counts, for each indicator, a person's turns in which it could show and those in which it did. Pure: the same
 * conversation gives the same counts on every device. What is in no language that has rules has no opportunities: nothing
 * is known.
 */
export function judge({ turns }: Pick<Conversation, "turns">): FluencyCounts {
  const said: { readonly words: string; readonly chances: ReadonlySet<Chance> }[] = [];
  let answered = false;
  let edited = false;
  for (const { by, text, edits } of turns) {
    if (by === "assistant") {
      answered = true;
      edited ||= edits > 0;
      continue;
    }
    const words = wordsOf(text);
    if (words === "") continue;
    const open: readonly Chance[] = [
      "any turn",
      ...(edited ? [] : (["before the first edit"] as const)),
      ...(answered ? (["after an answer"] as const) : []),
    ];
    said.push({ words, chances: new Set(open) });
  }
  const language = answered ? prevailingLanguage(said.map(({ words }) => words)) : null;
  const count = (indicator: FluencyIndicator): FluencyCount => {
    if (language === null) return { observed: 0, opportunities: 0 };
    const open = said.filter((turn) => turn.chances.has(chances[indicator]));
    const observed = open.filter(({ words }) => shows(language, indicator, words)).length;
    return { observed, opportunities: open.length };
  };
  return Object.fromEntries(fluencyIndicators.map((name) => [name, count(name)])) as unknown as FluencyCounts;
}
