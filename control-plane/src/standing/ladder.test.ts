import test from "ava";
import fc from "fast-check";
import type { NanoUsd } from "@flowstate/shared/money";
import { dayMs } from "@flowstate/shared/time";
import { isNudgeDue, tierOf, type Reading, type Told } from "./ladder.ts";

const now = Date.parse("2026-11-20T12:00:00Z");
const usd = (dollars: number): NanoUsd => BigInt(Math.round(dollars * 1e9)) as NanoUsd;
const spend = (dollars: number): Reading => ({ track: "OFF_PROJECT_SPEND", amount: usd(dollars) });
const signals = (...severities: readonly ("WARN" | "BLOCK")[]): Reading => ({
  track: "SIGNALS",
  open: severities.map((severity, index) => ({
    signalId: `s${index}`,
    severity,
    updatedAt: now - (20 - index) * dayMs,
  })),
});

function told(tier: number, daysAgo: number, change: Partial<Told> = {}): Told {
  const open = { answeredAt: null, answeredAmount: null, signalIds: [] };
  return { tier, nudgedAt: now - daysAgo * dayMs, ...open, ...change };
}

const answered = (tier: number, daysAgo: number, dollars: number, signalIds: readonly string[] = []): Told =>
  told(tier, daysAgo, { answeredAt: now - daysAgo * dayMs + 1, answeredAmount: usd(dollars), signalIds });

const cases: readonly [what: string, Reading, told: readonly Told[], tier: number, due: boolean][] = [
  ["$49.99", spend(49.99), [], 0, false],
  ["$50", spend(50), [], 1, true],
  ["$50, told", spend(50), [told(1, 1)], 1, false],
  ["$199.99", spend(199.99), [told(1, 1)], 1, false],
  ["$200", spend(200), [told(1, 1)], 2, true],
  ["$200, told", spend(200), [told(2, 1)], 2, false],
  ["$200, answered at $200", spend(200), [answered(2, 1, 200)], 1, false],
  ["$399.99, answered at $200", spend(399.99), [answered(2, 1, 200)], 1, false],
  ["$400, answered at $200", spend(400), [answered(2, 1, 200)], 2, true],
  [
    "$400, answered at $100 and later at $300",
    spend(400),
    [answered(2, 3, 100), answered(2, 1, 300)],
    1,
    false,
  ],
  ["an answer owed for a day less than a week", spend(300), [told(2, 6.99)], 2, false],
  ["an answer owed for a week", spend(300), [told(2, 7)], 3, true],
  ["an answer owed for a week, told so", spend(300), [told(2, 8), told(3, 1)], 3, false],
  ["an answer owed for two weeks", spend(300), [told(2, 14), told(3, 7)], 4, true],
  ["a heads-up of two weeks ago", spend(300), [told(1, 14)], 2, true],
  ["an answer owed for two weeks, and the spend gone", spend(10), [told(2, 14)], 0, false],
  ["no signal", signals(), [], 0, false],
  ["one signal", signals("WARN"), [], 1, true],
  ["one signal, told", signals("WARN"), [told(1, 1, { signalIds: ["s0"] })], 1, false],
  ["one more signal", signals("WARN", "WARN"), [told(1, 1, { signalIds: ["s0"] })], 1, true],
  ["three signals", signals("WARN", "WARN", "WARN"), [], 2, true],
  ["a grave signal", signals("BLOCK"), [], 2, true],
  ["a grave signal, answered and still open", signals("BLOCK"), [answered(2, 9, 0, ["s0"])], 1, false],
  ["a grave signal that has grown since its answer", signals("BLOCK"), [answered(2, 21, 0, ["s0"])], 2, true],
  ["a grave signal, unanswered for a week", signals("BLOCK"), [told(2, 7, { signalIds: ["s0"] })], 3, true],
];
for (const [what, reading, nudges, tier, due] of cases)
  test(`${reading.track}: ${what} -> tier ${tier}${due ? ", to be told" : ""}`, (t) => {
    const reached = tierOf(reading, nudges, now);
    t.is(reached, tier as typeof reached);
    t.is(isNudgeDue(reading, nudges, reached), due);
  });

const anyAmount = fc.bigInt({ min: 0n, max: 10n ** 12n }).map((amount) => amount as NanoUsd);
const anyTold = fc.record({
  tier: fc.integer({ min: 1, max: 4 }),
  nudgedAt: fc.integer({ min: now - 31 * dayMs, max: now }),
  answeredAt: fc.constantFrom(null, now),
  answeredAmount: anyAmount,
  signalIds: fc.subarray(["s0", "s1", "s2", "s3"]),
});
const anyReading = fc.oneof(
  anyAmount.map((amount): Reading => ({ track: "OFF_PROJECT_SPEND", amount })),
  fc
    .array(fc.constantFrom("WARN" as const, "BLOCK" as const), { maxLength: 4 })
    .map((all) => signals(...all)),
);

test("nobody climbs past tier 2 who was not asked for an answer a week before", (t) => {
  fc.assert(
    fc.property(anyReading, fc.array(anyTold, { maxLength: 5 }), (reading, nudges) => {
      if (tierOf(reading, nudges, now) < 3) return;
      t.true(
        nudges.some(
          ({ tier, answeredAt, nudgedAt }) => tier >= 2 && answeredAt === null && now - nudgedAt >= 7 * dayMs,
        ),
      );
    }),
  );
  t.pass();
});

test("who answers everything is asked for nothing", (t) => {
  fc.assert(
    fc.property(anyReading, fc.array(anyTold, { maxLength: 5 }), (reading, nudges) => {
      const about = { answeredAt: now + 1, signalIds: ["s0", "s1", "s2", "s3"] };
      const answeredAmount = reading.track === "OFF_PROJECT_SPEND" ? reading.amount : null;
      const all = [...nudges, told(2, 0)].map((each) => ({ ...each, ...about, answeredAmount }));
      t.true(tierOf(reading, all, now + 2) <= 1);
    }),
  );
});
