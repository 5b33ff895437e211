import { english } from "./languages/english.ts";
import { french } from "./languages/french.ts";
import { german } from "./languages/german.ts";
import type { LanguageRules } from "./languages/language.ts";
import { otherLanguages } from "./languages/others.ts";
import { spanish } from "./languages/spanish.ts";

const rulesOf = { english, german, french, spanish } as const satisfies Readonly<
  Record<string, LanguageRules>
>;

/** A language of which the rules know something. */
export type Language = keyof typeof rulesOf;

export const languages = Object.keys(rulesOf) as readonly Language[];

export const patternsOf = (language: Language): LanguageRules["patterns"] => rulesOf[language].patterns;

interface Candidate {
  /** Null for a language without rules. */
  readonly language: Language | null;
  readonly words: ReadonlySet<string>;
}

const candidates: readonly Candidate[] = [
  ...languages.map((language) => ({ language, words: new Set(rulesOf[language].functionWords.split(" ")) })),
  ...Object.values(otherLanguages).map((words) => ({ language: null, words: new Set(words.split(" ")) })),
];

/** Of so few words the share says nothing: one function word decides, and none leaves English. */
const fewestWords = 16;
const leastShare = 0.1;

/**
 * The language in which most of a person's words (as `wordsOf` gives them) are, by the function words of each; null where
 * it is none that has rules. Names and terms of a programming language count for no language, nor does what is quoted.
 */
export function prevailingLanguage(texts: readonly string[]): Language | null {
  const said = texts.join(" ").replace(/"[^"]{0,200}"/g, " ");
  const letters = said.match(/\p{L}/gu)?.length ?? 0;
  const latin = said.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (2 * latin < letters) return null;
  const words = said.match(/\p{L}[\p{L}'-]*/gu) ?? [];
  const found = candidates.map(({ language, words: known }) => ({
    language,
    count: words.filter((word) => known.has(word)).length,
  }));
  const most = Math.max(...found.map(({ count }) => count));
  const isShort = words.length < fewestWords;
  if (most === 0) return isShort ? "english" : null;
  if (!isShort && most < leastShare * words.length) return null;
  return found.find(({ count }) => count === most)?.language ?? null;
}
