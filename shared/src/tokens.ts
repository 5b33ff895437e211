import type { TokenCounts } from "./wire/call.ts";

export type { TokenCounts };

/** The classes that add up to a call's tokens; `reasoning` is a part of `output` and not among them. */
export const tokenClasses = ["input", "output", "cacheRead", "cacheWrite5m", "cacheWrite1h"] as const;
export type TokenClass = (typeof tokenClasses)[number];

export const unknownTokens: TokenCounts = {
  input: null,
  output: null,
  cacheRead: null,
  cacheWrite5m: null,
  cacheWrite1h: null,
  reasoning: null,
};

/** Counts given by class; those not given are unknown. */
export function tokens(known: Partial<TokenCounts>): TokenCounts {
  return { ...unknownTokens, ...known };
}

/** The whole prompt: uncached, read from cache and written to it. Null when none of the three is known. */
export function promptTokens({ input, cacheRead, cacheWrite5m, cacheWrite1h }: TokenCounts): number | null {
  return addKnown(addKnown(addKnown(input, cacheRead), cacheWrite5m), cacheWrite1h);
}

/** Every token of the call, counted once; null when nothing is known. */
export function totalTokens(counts: TokenCounts): number | null {
  return addKnown(promptTokens(counts), counts.output);
}

/**
 * A count as a stranger wrote it: a whole number of tokens, given as a number or as its decimal text. Anything else,
 * absence included, is unknown.
 */
export function readCount(value: unknown): number | null {
  const count = typeof value === "string" && /^\d{1,13}$/.test(value) ? Number(value) : value;
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 && count <= maxCount
    ? count
    : null;
}

const maxCount = 1_000_000_000_000;

function addKnown(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : a + b;
}
