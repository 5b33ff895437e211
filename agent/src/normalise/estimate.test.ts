import test from "ava";
import fc from "fast-check";
import { estimateTokenCount } from "tokenx";
import { estimateTokens } from "./estimate.ts";

/** What conversations are made of: prose, code, figures, words beyond ASCII. */
const parts = [
  "Words that somebody has said to a tool before, and a few more of them. ",
  "\n  if (parts.length > 0 && !isCut) return tokens.map(({ name }) => `${name}: ${counts[name]}`);\n",
  '{"id":"call_4711","amount":123456789.25,"tags":["a","bc"]},',
  "Größere Änderungen übernähmen später andere, überall. ",
];

const longText = fc
  .array(fc.record({ part: fc.constantFrom(...parts), times: fc.integer({ min: 1, max: 400 }) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((runs) => runs.map(({ part, times }) => part.repeat(times)).join(""));

test("a text of any length is estimated within a fifth of what its whole, counted, would be", (t) => {
  fc.assert(
    fc.property(longText, (text) => {
      const wide = text.replace(/[ -~\n]/g, "").length;
      const whole = Math.min(estimateTokenCount(text), (text.length - wide) / 4 + wide * 0.8);
      const estimated = estimateTokens(text);
      return estimated > whole * 0.8 - 1 && estimated < whole * 1.2 + 1;
    }),
  );
  t.pass();
});

test("a long conversation counts to its end", (t) => {
  const text = parts[0] ?? "";
  const [once, tenTimes] = [text.repeat(1000), text.repeat(10_000)].map((long) => estimateTokens(long));
  t.true(Math.abs((tenTimes ?? 0) / (once ?? 1) - 10) < 0.2, `${once} and ${tenTimes}`);
});

test("an estimate that a plausible count exceeds needs no tokenizer", (t) => {
  t.is(estimateTokens("a".repeat(400), 100), 100);
  t.true(estimateTokens("a".repeat(400), 99) < 100);
});
