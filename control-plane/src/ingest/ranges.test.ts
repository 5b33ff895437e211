import test from "ava";
import fc from "fast-check";
import { addSeqs, containsSeq, countMissing, printRanges, readRanges, type Ranges } from "./ranges.ts";

const cases: readonly [before: string, seqs: readonly number[], after: string][] = [
  ["", [], ""],
  ["", [5], "5"],
  ["1-3", [4], "1-4"],
  ["1-3", [5], "1-3,5"],
  ["1-3,5", [4], "1-5"],
  ["5-9", [1, 2, 3, 4], "1-9"],
  ["1-3", [2, 2, 3], "1-3"],
  ["1,3,5", [2, 4], "1-5"],
];

for (const [before, seqs, after] of cases) {
  test(`{${before}} and {${seqs.join(" ")}} make {${after}}`, (t) => {
    t.is(printRanges(addSeqs(readRanges(before), seqs)), after);
  });
}

const deliveries = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }), { maxLength: 12 });

const deliver = (batches: readonly (readonly number[])[]): Ranges => batches.reduce<Ranges>(addSeqs, []);

test("the ranges hold exactly what was added, whatever came twice or out of order", (t) => {
  fc.assert(
    fc.property(deliveries, (batches) => {
      const ranges = deliver(batches);
      const expected = new Set(batches.flat());
      for (let seq = -1; seq <= 61; seq += 1) t.is(containsSeq(ranges, seq), expected.has(seq));
    }),
  );
});

test("the order of deliveries does not matter", (t) => {
  fc.assert(
    fc.property(deliveries, (batches) => {
      t.deepEqual(deliver(batches.toReversed()), deliver(batches));
    }),
  );
});

test("ranges are sorted, disjoint, never adjacent, and survive being stored", (t) => {
  fc.assert(
    fc.property(deliveries, (batches) => {
      const ranges = deliver(batches);
      for (const [index, { from, to }] of ranges.entries()) {
        t.true(from <= to);
        const next = ranges[index + 1];
        if (next !== undefined) t.true(next.from > to + 1);
      }
      t.deepEqual(readRanges(printRanges(ranges)), ranges);
    }),
  );
});

test("what is missing is what lies between the first and the last and never came", (t) => {
  fc.assert(
    fc.property(deliveries, (batches) => {
      const seqs = [...new Set(batches.flat())];
      const span = seqs.length === 0 ? 0 : Math.max(...seqs) - Math.min(...seqs) + 1;
      t.is(countMissing(deliver(batches)), span - seqs.length);
    }),
  );
});
