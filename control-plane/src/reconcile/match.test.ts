import test from "ava";
import fc from "fast-check";
import { parseUsd, type NanoUsd } from "@flowstate/shared/money";
import { must } from "@flowstate/shared/assert";
import { shippedPrices } from "@flowstate/shared/prices/book";
import type { UsageDate } from "@flowstate/shared/time";
import { tokens } from "@flowstate/shared/tokens";
import { explainResidual, type BilledLine, type ObservedUsage } from "./causes.ts";
import type { BillFact, Match, ObservedFact } from "./facts.ts";
import { matchFacts } from "./match.ts";
import { statuses } from "./status.ts";

const usd = (text: string): NanoUsd => {
  const parsed = parseUsd(text);
  return must(parsed.ok ? parsed.value : null, text);
};

function bill(rowId: string, amount: string, change: Partial<BillFact> = {}): BillFact {
  return {
    rowId,
    provider: "anthropic",
    subject: "ada@example.com",
    keyUsers: [],
    day: "2026-11-05" as UsageDate,
    model: "claude-sonnet-4-5",
    amount: usd(amount),
    tokens: null,
    ...change,
  };
}

function seen(factId: string, cost: string, change: Partial<ObservedFact> = {}): ObservedFact {
  return {
    factId,
    provider: "anthropic",
    subject: "ada@example.com",
    day: "2026-11-05" as UsageDate,
    model: "claude-sonnet-4-5",
    cost: usd(cost),
    tokens: 100n,
    plan: false,
    ...change,
  };
}

const next = { day: "2026-11-06" as UsageDate };
const previous = { day: "2026-11-04" as UsageDate };
const short = ({ rowIds, factIds, rule, outcome }: Match): string =>
  `${rowIds.join("+")}=${factIds.join("+")} ${rule} ${outcome}`;

const cases: readonly [string, readonly BillFact[], readonly ObservedFact[], readonly string[]][] = [
  ["equal amounts of one model and day", [bill("r", "5")], [seen("f", "5")], ["r=f exact auto_matched"]],
  ["a cent apart", [bill("r", "5.01")], [seen("f", "5")], ["r=f tolerant auto_matched"]],
  [
    "half a percent of a large bill apart",
    [bill("r", "1000")],
    [seen("f", "1004.9")],
    ["r=f tolerant auto_matched"],
  ],
  [
    "one percent apart is for a person to decide",
    [bill("r", "100")],
    [seen("f", "99")],
    ["r=f tolerant suggested"],
  ],
  ["twice as much is no match", [bill("r", "100")], [seen("f", "40")], []],
  ["another person", [bill("r", "5")], [seen("f", "5", { subject: "bob@example.com" })], []],
  ["another provider", [bill("r", "5")], [seen("f", "5", { provider: "openai" })], []],
  [
    "a line for the day's total of several models",
    [bill("r", "8", { model: null })],
    [seen("f", "5"), seen("g", "3", { model: "claude-opus-4-5" })],
    ["r=f+g one_to_many auto_matched"],
  ],
  [
    "several lines of one model (input, output) for one observation",
    [bill("r", "5"), bill("s", "3")],
    [seen("f", "8")],
    ["r+s=f many_to_one auto_matched"],
  ],
  [
    "lines and models that only add up together",
    [bill("r", "5", { model: "x" }), bill("s", "3", { model: "y" })],
    [seen("f", "2"), seen("g", "6", { model: "claude-opus-4-5" })],
    ["r+s=f+g many_to_many auto_matched"],
  ],
  [
    "the day after, as in another time zone",
    [bill("r", "5", next)],
    [seen("f", "5")],
    ["r=f exact auto_matched"],
  ],
  [
    "the day before and the day after alike: ambiguous",
    [bill("r", "5")],
    [seen("f", "5", previous), seen("g", "5", next)],
    ["r=f exact suggested"],
  ],
  [
    "two equal lines of one day, seen once, are for a person to decide",
    [bill("r", "5", { model: null }), bill("s", "5", { model: null })],
    [seen("f", "5")],
    ["r+s=f many_to_one suggested"],
  ],
  [
    "a key that names nobody is suggested with its split",
    [bill("r", "9", { subject: null })],
    [seen("f", "6"), seen("g", "3", { subject: "bob@example.com" })],
    ["r=f+g shared_key suggested"],
  ],
  [
    "a key is compared with those alone who used it",
    [bill("r", "6", { subject: null, keyUsers: ["ada@example.com"] })],
    [seen("f", "6"), seen("g", "3", { subject: "bob@example.com" })],
    ["r=f shared_key suggested"],
  ],
];

for (const [title, rows, facts, expected] of cases) {
  test(title, (t) => {
    t.deepEqual(matchFacts(rows, facts).map(short), expected);
  });
}

test("a line that names nobody is split to the last nano-dollar", (t) => {
  const facts = ["a", "b", "c"].map((name) => seen(name, "1", { subject: `${name}@example.com` }));
  const [match] = matchFacts([bill("r", "3.000000001", { subject: null })], facts);
  t.deepEqual(
    match?.shares.map(({ amount }) => amount),
    [1_000_000_001n, 1_000_000_000n, 1_000_000_000n] as NanoUsd[],
  );
});

const amount = fc.bigInt({ min: -2_000_000_000n, max: 50_000_000_000n }) as fc.Arbitrary<NanoUsd>;
const place = {
  provider: fc.constantFrom("anthropic", "openai"),
  day: fc.constantFrom("2026-11-04", "2026-11-05", "2026-11-06") as fc.Arbitrary<UsageDate>,
  model: fc.option(fc.constantFrom("m1", "m2")),
};
const anyRows = fc
  .array(fc.record({ ...place, amount, subject: fc.option(fc.constantFrom("ada", "bob")) }), {
    maxLength: 12,
  })
  .map((rows) =>
    rows.map((row, index): BillFact => ({
      ...row,
      rowId: `r${index}`,
      keyUsers: row.subject === null && index % 2 === 0 ? ["ada"] : [],
      tokens: index % 3 === 0 ? null : BigInt(index * 40),
    })),
  );
const anyFacts = fc
  .array(fc.record({ ...place, cost: amount, subject: fc.constantFrom("ada", "bob") }), { maxLength: 12 })
  .map((facts) =>
    facts.map((fact, index): ObservedFact => ({ ...fact, factId: `f${index}`, tokens: 1n, plan: false })),
  );

test("no order of the facts changes the matches", (t) => {
  const shuffled = fc
    .tuple(anyRows, anyFacts)
    .chain(([rows, facts]) =>
      fc.tuple(
        fc.constant(rows),
        fc.constant(facts),
        fc.shuffledSubarray(rows, { minLength: rows.length }),
        fc.shuffledSubarray(facts, { minLength: facts.length }),
      ),
    );
  fc.assert(
    fc.property(shuffled, ([rows, facts, otherRows, otherFacts]) => {
      t.deepEqual(matchFacts(otherRows, otherFacts), matchFacts(rows, facts));
    }),
  );
  t.pass();
});

test("nothing is used twice, sums are those of the parts, and what is accepted alone is within tolerance", (t) => {
  fc.assert(
    fc.property(anyRows, anyFacts, (rows, facts) => {
      const matches = matchFacts(rows, facts);
      const usedRows = matches.flatMap(({ rowIds }) => rowIds);
      const usedFacts = matches.flatMap(({ factIds }) => factIds);
      t.is(new Set(usedRows).size, usedRows.length);
      t.is(new Set(usedFacts).size, usedFacts.length);
      for (const match of matches) {
        const billed = rows
          .filter(({ rowId }) => match.rowIds.includes(rowId))
          .reduce((sum, row) => sum + row.amount, 0n);
        const observed = facts
          .filter(({ factId }) => match.factIds.includes(factId))
          .reduce((sum, fact) => sum + fact.cost, 0n);
        t.is<bigint, bigint>(match.billed, billed);
        t.is<bigint, bigint>(match.observed, observed);
        const shares = Map.groupBy(match.shares, ({ rowId }) => rowId);
        for (const [rowId, parts] of shares) {
          const whole = rows.find((row) => row.rowId === rowId)?.amount;
          t.is<bigint | undefined, bigint>(
            whole,
            parts.reduce((sum, part) => sum + part.amount, 0n),
          );
        }
        if (match.outcome !== "auto_matched") continue;
        t.false(match.ambiguous);
        const apart = billed > observed ? billed - observed : observed - billed;
        t.true(apart <= 10_000_000n || apart * 200n <= (billed < 0n ? -billed : billed));
      }
    }),
  );
});

test("the causes sum to billed minus observed minus written off, to the nano-dollar", (t) => {
  const matchId = fc.option(fc.constantFrom("m1", "m2"));
  const line: fc.Arbitrary<BilledLine> = fc.record({
    rowId: fc.uuid(),
    category: fc.constantFrom("Usage", "Purchase", "Credit", "Tax", "Adjustment"),
    recurring: fc.boolean(),
    named: fc.boolean(),
    currency: fc.constantFrom("USD", "EUR"),
    amount,
    provider: fc.constantFrom("anthropic", "openai"),
    model: fc.constantFrom("claude-sonnet-4-5", "gpt-5.5", "unheard-of", null),
    day: fc.constant("2026-11-05" as UsageDate),
    tokens: fc.option(
      fc
        .record({ input: fc.option(fc.nat(1e9)), output: fc.option(fc.nat(1e9)) })
        .map((known) => tokens(known)),
    ),
    status: fc.constantFrom(...statuses),
    matchId,
  });
  const usage: fc.Arbitrary<ObservedUsage> = fc.record({
    cost: amount,
    tokens: fc.bigInt({ min: 0n, max: 1000n }),
    plan: fc.boolean(),
    atEdge: fc.boolean(),
    matchId,
  });
  fc.assert(
    fc.property(fc.array(line), fc.array(usage), (lines, observed) => {
      const total = (values: readonly bigint[]): bigint => values.reduce((sum, value) => sum + value, 0n);
      const billed = total(lines.map((each) => each.amount));
      const writtenOff = total(
        lines.filter(({ status }) => status === "written_off").map((each) => each.amount),
      );
      const seenCost = total(observed.map(({ cost }) => cost));
      const parts = total(explainResidual(lines, observed, shippedPrices()).map((part) => part.amount));
      t.is(parts, billed - seenCost - writtenOff);
    }),
  );
});
