/** Phrases in answers that come in pieces, against a search in the whole. */
import test from "ava";
import fc from "fast-check";
import { createAnswerHearings } from "./answers.ts";
import { foldCase } from "./phrase-search.ts";

/** Few letters, so that phrases overlap; among them some whose lower case depends on their place, or is longer. */
const letter = fc.constantFrom(
  "a",
  "A",
  "b",
  "B",
  " ",
  "ß",
  "Σ",
  "σ",
  "ς",
  "İ",
  "é",
  "\u{10400}",
  "\u{10428}",
);
const phrase = fc.string({ unit: letter, minLength: 1, maxLength: 6 });
const pieces = fc.array(fc.string({ unit: letter, maxLength: 12 }), { maxLength: 12 });

test("pieces of a text hold what the whole holds", (t) => {
  let foundEver = 0;
  fc.assert(
    fc.property(fc.array(phrase, { maxLength: 6 }), pieces, (phrases, texts) => {
      const hearing = createAnswerHearings(phrases)();
      for (const text of texts) hearing.hear([{ part: "0", text }]);
      const whole = foldCase(texts.join(""));
      return phrases.every((each) => {
        const isThere = whole.includes(foldCase(each));
        foundEver += Number(isThere);
        return hearing.count([each]) === Number(isThere);
      });
    }),
    { numRuns: 2000 },
  );
  t.true(foundEver > 500, `${foundEver} found in all`);
});

const cases: [phrases: readonly string[], pieces: readonly string[], count: number][] = [
  [["Acme Ltd"], ["our AC", "ME", " lt", "D."], 1],
  [["Acme Ltd"], ["our acme", "\n", "ltd"], 0],
  [["οδος"], ["ΟΔΟ", "Σ"], 1],
  [["straße"], ["STRASSE"], 0],
  [["he", "she", "hers"], ["u", "shers"], 3],
  [["abc", "ABC"], ["abc"], 1],
  [["nightingale"], ["\ud83d", "\ude00nightingale"], 1],
];
for (const [phrases, texts, count] of cases) {
  test(`${JSON.stringify(phrases)} in ${JSON.stringify(texts)} -> ${count}`, (t) => {
    const hearing = createAnswerHearings(phrases)();
    for (const text of texts) hearing.hear([{ part: "0", text }]);
    t.is(hearing.count(phrases), count);
  });
}

test("a phrase is not made of two parts of an answer", (t) => {
  const hearing = createAnswerHearings(["acme ltd"])();
  hearing.hear([
    { part: "0", text: "acme" },
    { part: "1", text: " ltd" },
  ]);
  t.is(hearing.count(["acme ltd"]), 0);
  hearing.hear([{ part: "0", text: " ltd" }]);
  t.is(hearing.count(["acme ltd"]), 1);
});

test("an answer of any length and any number of parts is heard within bounds", (t) => {
  const open = createAnswerHearings(["acme ltd"]);
  const long = open();
  long.hear([{ part: "0", text: "x".repeat(999_996) }]);
  long.hear([{ part: "0", text: "acme ltd" }]);
  t.is(long.count(["acme ltd"]), 0, "a million characters are read");
  const many = open();
  for (let part = 0; part < 10_000; part += 1) many.hear([{ part: String(part), text: "acme" }]);
  many.hear([{ part: "9999", text: " ltd" }]);
  t.is(many.count(["acme ltd"]), 1, "the parts beyond the bound are read as one");
});

test("tens of thousands of phrases are found as a few are", (t) => {
  const phrases = Array.from({ length: 20_000 }, (_, index) => `p${index}q`);
  const hearing = createAnswerHearings(phrases)();
  hearing.hear([{ part: "0", text: phrases.slice(0, 500).join("") }]);
  t.is(hearing.count(phrases), 500);
});
