import { estimateTokenCount } from "tokenx";

/**
 * How many tokens a text is, where nobody says. A quarter of its letters, and most of every letter outside ASCII, is
 * the cheap reading; it is far too high for Markdown and never half too low, so the tokenizer is asked only where the
 * cheap reading exceeds `plausible`.
 */
export function estimateTokens(text: string, plausible = 0): number {
  const wide = (Buffer.byteLength(text) - text.length) / 2;
  const cheap = Math.ceil((text.length - wide) / 4 + wide * 0.8);
  return cheap <= plausible ? cheap : Math.min(cheap, estimateTokenCount(text.slice(0, longest)));
}

/** Longer texts are cut: an estimate is a floor anyway, and a pasted file must not hold up the reader. */
const longest = 200_000;
