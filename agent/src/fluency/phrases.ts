import { fluencyIndicators, type FluencyIndicator } from "@flowstate/shared/wire/fluency";
import { languages, patternsOf, type Language } from "./prevailing.ts";

/** Whether a person's words, as `wordsOf` gives them, show an indicator by the phrases of their language. */
export function shows(language: Language, indicator: FluencyIndicator, words: string): boolean {
  return (compiled.get(`${language} ${indicator}`) ?? []).some((pattern) => pattern.test(words));
}

const compiled: ReadonlyMap<string, readonly RegExp[]> = new Map(
  languages.flatMap((language) =>
    fluencyIndicators.map((indicator) => [
      `${language} ${indicator}`,
      patternsOf(language)[indicator].map((source) => new RegExp(source, "u")),
    ]),
  ),
);
