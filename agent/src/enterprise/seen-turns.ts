import { hash } from "node:crypto";
import type { Prompt } from "./prompt.ts";

/** The part of a prompt that no earlier one held. */
export interface FreshPrompt extends Prompt {
  /** Turns before it that an earlier prompt held. */
  readonly earlierTurns: number;
}

/** Remembers what was kept, so that a conversation, which is sent whole with every turn, is kept once. */
export interface SeenTurns {
  /** Takes in the new part of a prompt; its last turn always, for that is what was asked. */
  fresh(prompt: Prompt, conversation: string): FreshPrompt;
}

const mostSeen = 100_000;

/**
 * Each turn is known by itself and by all that stand before it: the same words said again are a new turn, and a
 * conversation that was changed in the middle is new from there on. Hashes alone are kept, the oldest forgotten first.
 */
export function seenTurns(): SeenTurns {
  const seen = new Set<string>();
  const note = (digest: string): void => {
    seen.delete(digest);
    seen.add(digest);
    const [oldest] = seen;
    if (seen.size > mostSeen && oldest !== undefined) seen.delete(oldest);
  };
  return {
    fresh({ instructions, turns }, conversation) {
      const freshInstructions = instructions.filter((text) => {
        const digest = digestOf(conversation, "", text);
        const isFresh = !seen.has(digest);
        note(digest);
        return isFresh;
      });
      let before = digestOf(conversation);
      const chain = turns.map(({ role, text }) => (before = digestOf(before, role, text)));
      const known = chain.findLastIndex((digest) => seen.has(digest)) + 1;
      const earlierTurns = Math.max(0, Math.min(known, turns.length - 1));
      for (const digest of chain.slice(earlierTurns)) note(digest);
      return { instructions: freshInstructions, turns: turns.slice(earlierTurns), earlierTurns };
    },
  };
}

function digestOf(...parts: readonly string[]): string {
  return hash("sha1", parts.join("\0"), "base64");
}
