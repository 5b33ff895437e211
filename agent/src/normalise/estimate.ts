import { estimateTokenCount } from "tokenx";

/**
 * How many tokens a text is, where nobody says. A quarter of its letters, and most of every letter outside ASCII, is
 * the cheap reading; it is far too high for Markdown and never half too low, so the tokenizer is asked only where the
 * cheap reading exceeds `plausible`.
 */
export function estimateTokens(text: string, plausible = 0): number {
  const wide = (Buffer.byteLength(text) - text.length) / 2;
  const cheap = Math.ceil((text.length - wide) / 4 + wide * 0.8);
  return cheap <= plausible ? cheap : Math.min(cheap, tokenize(text));
}

/**
 * A long text is judged by pieces from all over it: the tokenizer takes 0.2 ms for 1,000 letters, and while a long
 * conversation is being counted no other call's events would be passed on.
 */
const pieces = 16;
const pieceLength = 512;

function tokenize(text: string): number {
  if (text.length <= pieces * pieceLength) return estimateTokenCount(text);
  const step = (text.length - pieceLength) / (pieces - 1);
  let tokens = 0;
  for (let at = 0; at < pieces; at += 1) {
    const from = Math.floor(at * step);
    tokens += estimateTokenCount(text.slice(from, from + pieceLength));
  }
  return Math.ceil((tokens * text.length) / (pieces * pieceLength));
}
