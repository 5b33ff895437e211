import type { Said } from "../observe/intercept/usage/reading.ts";
import { createPhraseSearch, foldCase } from "./phrase-search.ts";

/** Listens to one answer as it passes, piece by piece, and keeps nothing of it. */
export interface AnswerHearing {
  hear(said: readonly Said[]): void;
  /** How many of these phrases were said so far. */
  count(phrases: readonly string[]): number;
}

/** A million characters are more than any model answers; what comes after them is not looked at. */
const mostCharacters = 1_000_000;
/** Choices, thoughts and calls of tools in one answer that are told apart; further ones are read as one. */
const mostParts = 256;

/** Makes hearings for answers, in which any of the phrases is found however it is cut into pieces. */
export function createAnswerHearings(phrases: readonly string[]): () => AnswerHearing {
  const search = createPhraseSearch(phrases);
  return () => {
    const states = new Map<string, number>();
    const found = new Set<string>();
    let left = mostCharacters;
    return {
      hear(said) {
        for (const { part, text } of said) {
          if (left === 0) return;
          const piece = text.slice(0, left);
          left -= piece.length;
          const key = states.has(part) || states.size < mostParts ? part : "";
          states.set(key, search.read(states.get(key) ?? 0, piece, found));
        }
      },
      count: (some) => new Set(some.map(foldCase).filter((phrase) => found.has(phrase))).size,
    };
  };
}
