import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import * as v from "valibot";
import {
  fluencyCount,
  fluencyIndicators,
  type FluencyCounts,
  type FluencyIndicator,
} from "@flowstate/shared/wire/fluency";
import { wordsOf, type Turn } from "./conversation.ts";
import { judge } from "./judge.ts";
import { languages, patternsOf, prevailingLanguage, type Language } from "./prevailing.ts";

/** A conversation and what it shows, in the judgement of whoever wrote it. */
interface Labelled {
  readonly id: string;
  /**
   * Rules of version 1 were made with `tuning` in sight and only measured on `held-out`. `independent` was written from
   * the definitions by somebody who had not seen them, `seen` by the author of the rules before them, and `later` in
   * other words than theirs. The rules of version 2 were widened by all of them, so nothing here is held out from it.
   */
  readonly part: "tuning" | "held-out" | "independent" | "seen" | "later";
  readonly shows: readonly FluencyIndicator[];
  /** `person: …` and `assistant: …` by turns. */
  readonly turns: readonly string[];
}

const read = (name: string): readonly Labelled[] =>
  JSON.parse(readFileSync(new URL(`samples/${name}.data.json`, import.meta.url), "utf8"));

const sampleOf: Readonly<Record<Language, readonly Labelled[]>> = {
  english: [...read("english"), ...read("english-independent"), ...read("english-later")],
  french: [...read("french"), ...read("french-later")],
  german: [...read("german"), ...read("german-later")],
  spanish: [...read("spanish"), ...read("spanish-later")],
};
const everything = Object.values(sampleOf).flat();

const turn = (line: string, edits = 0): Turn => {
  const [by = "", text = ""] = line.split(/: ([\s\S]*)/, 2);
  return { by: by === "person" ? "person" : "assistant", text, edits };
};

const judged = new Map(
  everything.map((conversation) => [
    conversation,
    judge({ turns: conversation.turns.map((line) => turn(line)) }),
  ]),
);
const countsOf = (conversation: Labelled): FluencyCounts => {
  const counts = judged.get(conversation);
  assert(counts !== undefined);
  return counts;
};

const measure = (indicator: FluencyIndicator, conversations: readonly Labelled[]) => {
  const seen = conversations.flatMap((conversation) => {
    const { observed, opportunities } = countsOf(conversation)[indicator];
    return opportunities === 0 ? [] : [{ said: observed > 0, is: conversation.shows.includes(indicator) }];
  });
  const right = seen.filter(({ said, is }) => said && is).length;
  return {
    conversations: seen.length,
    positive: seen.filter(({ is }) => is).length,
    precision: right / seen.filter(({ said }) => said).length,
    recall: right / seen.filter(({ is }) => is).length,
  };
};

/** What each rule must reach, in every language. */
const floors: Readonly<Record<FluencyIndicator, { readonly precision: number; readonly recall: number }>> = {
  iterates_and_refines: { precision: 0.95, recall: 0.9 },
  provides_examples: { precision: 0.95, recall: 0.95 },
  specifies_format: { precision: 0.85, recall: 0.8 },
  sets_interaction_mode: { precision: 0.95, recall: 0.95 },
  states_tone_and_style: { precision: 0.95, recall: 0.85 },
  defines_audience: { precision: 0.95, recall: 0.95 },
  clarifies_goal: { precision: 0.95, recall: 0.55 },
  consults_on_approach: { precision: 0.95, recall: 0.75 },
  identifies_missing_context: { precision: 0.95, recall: 0.85 },
  questions_reasoning: { precision: 0.95, recall: 0.9 },
  checks_facts: { precision: 0.95, recall: 0.95 },
};

/** Where three or four show an indicator, one that is missed is a quarter. */
const floorOfFew = { precision: 0.65, recall: 0.65 };

/** "Tell me if you're missing a file" and "yes or no only" were labelled otherwise by whoever had not seen the rules. */
const exceptions: Readonly<Record<string, { readonly precision: number; readonly recall: number }>> = {
  "english independent sets_interaction_mode": { precision: 0.75, recall: 0.95 },
};

/** The fewest conversations of a part that a share is worth printing for, and of those that show an indicator. */
const parts: readonly [Language, Labelled["part"], conversations: number, positive: number][] = [
  ["english", "tuning", 35, 5],
  ["english", "held-out", 45, 8],
  ["english", "independent", 77, 6],
  ["english", "later", 40, 3],
  ["french", "seen", 39, 4],
  ["french", "later", 37, 3],
  ["german", "seen", 39, 4],
  ["german", "later", 37, 3],
  ["spanish", "seen", 39, 4],
  ["spanish", "later", 37, 3],
];

for (const indicator of fluencyIndicators) {
  test(`${indicator} is recognised in the labelled samples`, (t) => {
    for (const [language, part, fewest, fewestPositive] of parts) {
      const conversations = sampleOf[language].filter((conversation) => conversation.part === part);
      const found = measure(indicator, conversations);
      const { positive, precision, recall } = found;
      t.log(
        `${language}, ${part}: ${positive} of ${found.conversations} show it, precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}`,
      );
      t.true(found.conversations >= fewest);
      t.true(positive >= fewestPositive && positive <= found.conversations - 15);
      const floor =
        part === "later" ? floorOfFew : (exceptions[`${language} ${part} ${indicator}`] ?? floors[indicator]);
      t.true(precision >= floor.precision, `precision, ${language} ${part}`);
      t.true(recall >= floor.recall, `recall, ${language} ${part}`);
    }
  });
}

test("what is labelled in a sample can show there, in the language of the sample", (t) => {
  for (const [language, conversations] of Object.entries(sampleOf)) {
    t.is(new Set(conversations.map(({ id, part }) => `${part} ${id}`)).size, conversations.length);
    for (const conversation of conversations) {
      const { id, shows, turns } = conversation;
      const said = turns.filter((line) => line.startsWith("person: ")).map((line) => wordsOf(line.slice(8)));
      t.is(prevailingLanguage(said), language as Language, id);
      const counts = countsOf(conversation);
      for (const indicator of shows) t.true(counts[indicator].opportunities > 0, `${id} ${indicator}`);
    }
  }
});

const none = { observed: 0, opportunities: 0 };

test("a turn counts where the indicator could show in it", (t) => {
  const turns = [
    turn("person: We are trying to leave the old host. How would you approach it?"),
    turn("assistant: Copy first.", 0),
    turn("person: What are the options for the copy?"),
    turn("assistant: Done.", 2),
    turn("person: Is there a better way? Did you run the tests?"),
    turn("assistant: Yes."),
    turn("person: Thanks."),
  ];
  const counts = judge({ turns });
  t.deepEqual(counts.consults_on_approach, { observed: 2, opportunities: 2 });
  t.deepEqual(counts.clarifies_goal, { observed: 1, opportunities: 2 });
  t.deepEqual(counts.checks_facts, { observed: 1, opportunities: 3 });
  t.deepEqual(counts.defines_audience, { observed: 0, opportunities: 4 });
});

const silent: readonly [what: string, turns: readonly string[]][] = [
  ["a conversation without an answer", ["person: Ask me first, in a table with two columns."]],
  ["nothing but code", ["person: ```\nask me first\n```", "assistant: ok"]],
  [
    "another language",
    [
      "person: Scrivi un promemoria cordiale per i nostri clienti, al massimo tre frasi, e prima chiedimi che cosa ti manca ancora.",
      "assistant: Volentieri.",
    ],
  ],
];
for (const [what, turns] of silent) {
  test(`nothing is known of ${what}`, (t) => {
    const counts = judge({ turns: turns.map((line) => turn(line)) });
    for (const indicator of fluencyIndicators) t.deepEqual(counts[indicator], none, indicator);
  });
}

test("words of others are not a person's own", (t) => {
  const quoted =
    "> ask me first\n```\nreturn it as a table with two columns\n```\nhttps://example.com/for-example/ask me";
  const counts = judge({
    turns: [turn(`person: ${quoted}`), turn("assistant: for example, are you sure, as a table?")],
  });
  for (const indicator of ["provides_examples", "specifies_format", "checks_facts"] as const)
    t.is(counts[indicator].observed, 0, indicator);
});

/** Beginnings of what the patterns look for, over and over and never brought to an end. */
const pieces = everything.flatMap(({ turns }) => turns.join(" ").split(/\s+/));
const hostileText = fc
  .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 4 })
  .map((some) => `${some.join(" ")} `.repeat(4000));

test("every repetition in a pattern has an upper bound, so that the work for a character has one", (t) => {
  for (const language of languages) {
    for (const source of fluencyIndicators.flatMap((indicator) => patternsOf(language)[indicator])) {
      const outline = source.replace(/\\./g, "c").replace(/\[[^\]]*\]/g, "c");
      t.notRegex(outline, /[*+]|\{\d*,\}/, source);
      const most = [...outline.matchAll(/\{(?:\d+,)?(\d+)\}/g)].map(([, bound]) => Number(bound));
      t.true(
        most.every((bound) => bound <= 90),
        source,
      );
      t.regex(source, /^[\x20-\x7e]+$/, "words are compared without accents");
      t.notRegex(source, /[A-Z]/, "words are compared in lower case");
    }
  }
});

const anyTurn = fc.record({
  by: fc.constantFrom("person" as const, "assistant" as const),
  text: fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.constantFrom(...everything.flatMap(({ turns }) => turns)),
    fc.string({ minLength: 1, maxLength: 3 }).map((text) => text.repeat(20_000)),
    hostileText,
  ),
  edits: fc.nat(3),
});

test("counts of any conversation fit the wire, and further turns never take any away", (t) => {
  fc.assert(
    fc.property(fc.array(anyTurn, { maxLength: 12 }), (turns) => {
      const counts = judge({ turns });
      const longer = judge({ turns: [...turns, { by: "person", text: "404", edits: 0 }] });
      for (const indicator of fluencyIndicators) {
        t.true(v.is(fluencyCount, counts[indicator]));
        if (longer[indicator].opportunities === 0) continue;
        t.true(longer[indicator].opportunities >= counts[indicator].opportunities);
        t.true(longer[indicator].observed >= counts[indicator].observed);
      }
    }),
    { numRuns: 200 },
  );
});
