import test from "ava";
import fc from "fast-check";
import { addDays, type UsageDate } from "@flowstate/shared/time";
import { daysOf } from "./days.ts";
import { extendCovered, planWindows, type Covered } from "./plan.ts";

const day = (text: string) => text as UsageDate;
const today = day("2026-11-20");
const schedule = { rereadDays: 3, backfillDays: 20, windowDays: 7 };
const shown = (covered: Covered | null, of = schedule) =>
  planWindows(covered, today, of).map(({ from, until }) => `${from.slice(5)}..${until.slice(5)}`);

const cases: readonly [name: string, covered: Covered | null, expected: readonly string[]][] = [
  [
    "at first, the newest days and then backwards",
    null,
    ["11-17..11-20", "11-14..11-16", "11-07..11-13", "10-31..11-06"],
  ],
  ["nothing new", { fromDay: day("2026-10-31"), untilDay: today }, ["11-17..11-20"]],
  [
    "a backfill that stopped goes on",
    { fromDay: day("2026-11-07"), untilDay: today },
    ["11-17..11-20", "10-31..11-06"],
  ],
  [
    "after an outage, all days that were missed and those that may have changed before it",
    { fromDay: day("2026-10-01"), untilDay: day("2026-11-10") },
    ["11-07..11-13", "11-14..11-20"],
  ],
  [
    "after a long outage, no further back than the vendor is asked for",
    { fromDay: day("2026-08-01"), untilDay: day("2026-09-01") },
    ["10-31..11-06", "11-07..11-13", "11-14..11-20"],
  ],
  [
    "a clock that went back asks for nothing that is to come",
    { fromDay: day("2026-10-31"), untilDay: day("2026-11-25") },
    ["11-17..11-20"],
  ],
];
for (const [name, covered, expected] of cases) {
  test(`plans: ${name}`, (t) => t.deepEqual(shown(covered), expected));
}

test("a sync that stops after any window and starts again covers every day in the end", (t) => {
  const schedules = fc.record({
    rereadDays: fc.integer({ min: 0, max: 40 }),
    backfillDays: fc.integer({ min: 0, max: 120 }),
    windowDays: fc.integer({ min: 1, max: 31 }),
  });
  fc.assert(
    fc.property(schedules, fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30 }), (of, stops) => {
      let covered: Covered | null = null;
      let seen = new Set<string>();
      for (const stop of [...stops, Number.POSITIVE_INFINITY]) {
        for (const window of planWindows(covered, today, of).slice(0, stop)) {
          covered = extendCovered(covered, window);
          seen = new Set([...seen, ...daysOf(window)]);
        }
      }
      const wanted = daysOf({ from: addDays(today, -of.backfillDays), until: today });
      t.true(wanted.every((wantedDay) => seen.has(wantedDay)));
      t.true(wanted.every((each) => covered !== null && covered.fromDay <= each && each <= covered.untilDay));
    }),
    { numRuns: 200 },
  );
});
