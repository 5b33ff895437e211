import test from "ava";
import fc from "fast-check";
import { parseRange } from "./range.ts";

const cases: readonly [header: string | undefined, expected: ReturnType<typeof parseRange>][] = [
  [undefined, null],
  ["", null],
  ["bytes=-", null],
  ["bytes=0-", { from: 0, until: 9 }],
  ["bytes=3-", { from: 3, until: 9 }],
  ["bytes=3-5", { from: 3, until: 5 }],
  ["bytes=3-99", { from: 3, until: 9 }],
  ["bytes=-4", { from: 6, until: 9 }],
  ["bytes=-99", { from: 0, until: 9 }],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=5-3", null],
  ["bytes=0-1,3-4", null],
  ["lines=0-1", null],
  ["bytes=1e3-", null],
];

for (const [header, expected] of cases)
  test(`of ten bytes ${JSON.stringify(header)} asks for ${JSON.stringify(expected)}`, (t) => {
    t.deepEqual(parseRange(header, 10), expected);
  });

test("no header leads out of the file", (t) => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
  );
  fc.assert(
    fc.property(header, fc.integer({ min: 1, max: 1000 }), (text, size) => {
      const range = parseRange(text, size);
      if (range !== null && range !== "unsatisfiable")
        t.true(range.from >= 0 && range.from <= range.until && range.until < size);
    }),
  );
});
