import type { FluencyIndicator } from "@flowstate/shared/wire/fluency";

/** What the rules know of one language. */
export interface LanguageRules {
  /** Frequent words that carry grammar rather than meaning, separated by spaces: a text is told by its share of them. */
  readonly functionWords: string;
  /**
   * Regular expressions of each indicator over what `wordsOf` makes of a turn: lower case without accents (`ß` is `ss`),
   * single spaces, no `¿` or `¡`. Every repetition has an upper bound, so the work per character has one.
   */
  readonly patterns: Readonly<Record<FluencyIndicator, readonly string[]>>;
}
