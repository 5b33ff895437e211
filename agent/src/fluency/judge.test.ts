import { readFileSync } from "node:fs";
import test from "ava";
import fc from "fast-check";
import { fluencyCount, fluencyIndicators, type FluencyIndicator } from "@flowstate/shared/wire/fluency";
import type { Turn } from "./conversation.ts";
import { judge } from "./judge.ts";

/** A conversation and what it shows, in the judgement of whoever wrote it. */
interface Labelled {
  readonly id: string;
  /** Rules were made with the first part in sight; the second part has only measured them. */
  readonly part: "tuning" | "held-out";
  readonly shows: readonly FluencyIndicator[];
  /** `person: …` and `assistant: …` by turns. */
  readonly turns: readonly string[];
}

const sample = JSON.parse(
  readFileSync(new URL("sample.data.json", import.meta.url), "utf8"),
) as readonly Labelled[];

const turn = (line: string, edits = 0): Turn => {
  const [by = "", text = ""] = line.split(/: ([\s\S]*)/, 2);
  return { by: by === "person" ? "person" : "assistant", text, edits };
};

const measure = (indicator: FluencyIndicator, conversations: readonly Labelled[]) => {
  const seen = conversations.flatMap(({ shows, turns }) => {
    const { observed, opportunities } = judge({ turns: turns.map((line) => turn(line)) })[indicator];
    return opportunities === 0 ? [] : [{ said: observed > 0, is: shows.includes(indicator) }];
  });
  const right = seen.filter(({ said, is }) => said && is).length;
  return {
    conversations: seen.length,
    positive: seen.filter(({ is }) => is).length,
    precision: right / seen.filter(({ said }) => said).length,
    recall: right / seen.filter(({ is }) => is).length,
  };
};

/** What each rule must reach on conversations that it was not made with. */
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

for (const indicator of fluencyIndicators) {
  test(`${indicator} is recognised in the labelled sample`, (t) => {
    for (const part of ["tuning", "held-out"] as const) {
      const found = measure(
        indicator,
        sample.filter((conversation) => conversation.part === part),
      );
      const { conversations, positive, precision, recall } = found;
      t.log(
        `${part}: ${positive} of ${conversations} show it, precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}`,
      );
      t.true(conversations >= 20);
      t.true(positive >= 5 && positive <= conversations - 15);
      t.true(precision >= floors[indicator].precision, "precision");
      t.true(recall >= floors[indicator].recall, "recall");
    }
  });
}

test("what is labelled in the sample can show there", (t) => {
  for (const { id, shows, turns } of sample) {
    const counts = judge({ turns: turns.map((line) => turn(line)) });
    for (const indicator of shows) t.true(counts[indicator].opportunities > 0, `${id} ${indicator}`);
  }
  t.is(new Set(sample.map(({ id }) => id)).size, sample.length);
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
      "person: Schreib bitte eine freundliche Erinnerung an unsere Kunden, höchstens drei Sätze lang, und frag mich vorher, was dir noch fehlt.",
      "assistant: Gern.",
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

const anyTurn = fc.record({
  by: fc.constantFrom("person" as const, "assistant" as const),
  text: fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.constantFrom(...sample.flatMap(({ turns }) => turns)),
    fc.string({ minLength: 1, maxLength: 3 }).map((text) => text.repeat(20_000)),
  ),
  edits: fc.nat(3),
});

test("counts of any conversation fit the wire, and further turns never take any away", (t) => {
  fc.assert(
    fc.property(fc.array(anyTurn, { maxLength: 12 }), (turns) => {
      const counts = judge({ turns });
      const longer = judge({ turns: [...turns, { by: "person", text: "thank you", edits: 0 }] });
      for (const indicator of fluencyIndicators) {
        t.true(fluencyCount.safeParse(counts[indicator]).success);
        if (counts[indicator].opportunities === 0 || longer[indicator].opportunities === 0) continue;
        t.true(longer[indicator].opportunities >= counts[indicator].opportunities);
        t.true(longer[indicator].observed >= counts[indicator].observed);
      }
    }),
    { numRuns: 200 },
  );
});
