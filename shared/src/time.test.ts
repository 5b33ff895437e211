import test from "ava";
import fc from "fast-check";
import {
  addDays,
  addMonths,
  dateOf,
  parseInstant,
  parsePeriod,
  parseUsageDate,
  periodBounds,
  periodOf,
  untilNext,
} from "./time.ts";

const period = (text: string) => {
  const result = parsePeriod(text);
  if (!result.ok) throw new Error(result.detail);
  return result.value;
};

test("a month begins and ends at UTC midnight", (t) => {
  t.deepEqual(periodBounds(period("2026-12")), { from: Date.UTC(2026, 11, 1), to: Date.UTC(2027, 0, 1) });
});

for (const text of ["2026-13", "2026-00", "2026-1", "26-01", "", "2026-01-01"]) {
  test(`${JSON.stringify(text)} is no month`, (t) => t.false(parsePeriod(text).ok));
}

for (const text of ["2026-02-30", "2026-2-03", "2026-02-03T00:00:00Z", ""]) {
  test(`${JSON.stringify(text)} is no day`, (t) => t.false(parseUsageDate(text).ok));
}

test("an instant needs a zone and keeps it", (t) => {
  t.deepEqual(parseInstant("2026-10-03T11:12:44.120+02:00"), {
    ok: true,
    value: Date.UTC(2026, 9, 3, 9, 12, 44, 120),
  });
  t.false(parseInstant("2026-10-03T11:12:44").ok);
  t.false(parseInstant("now").ok);
});

test("every instant lies inside the bounds of its month, and months add up", (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 946_684_800_000, max: 4_102_444_800_000 }),
      fc.integer({ min: -600, max: 600 }),
      (at, months) => {
        const { from, to } = periodBounds(periodOf(at));
        return from <= at && at < to && addMonths(addMonths(periodOf(at), months), -months) === periodOf(at);
      },
    ),
  );
  t.is(addDays(dateOf(Date.UTC(2028, 1, 28)), 2), dateOf(Date.UTC(2028, 2, 1)));
});

test("the next minute is waited for, or the one after where it is all but there", (t) => {
  const minute = Date.UTC(2026, 10, 20, 9, 30);
  t.is(untilNext(60_000, minute), 60_000);
  t.is(untilNext(60_000, minute + 1), 59_999);
  t.is(untilNext(60_000, minute + 54_000), 6000);
  t.is(untilNext(60_000, minute + 59_999), 60_001);
});
