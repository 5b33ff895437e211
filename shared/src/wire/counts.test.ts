import test from "ava";
import * as v from "valibot";
import { countsOf } from "./counts.ts";

const counts = countsOf(["met", "missed"], v.pipe(v.number(), v.safeInteger(), v.minValue(0)));

const given: readonly [json: string, isTaken: boolean][] = [
  ["{}", true],
  ['{"met":1}', true],
  ['{"missed":0,"met":1}', true],
  ['{"met":-1}', false],
  ['{"met":null}', false],
  ['{"met":1,"other":1}', false],
  ['{"constructor":1}', false],
  ['{"__proto__":{"met":1}}', false],
  ["[]", false],
  ["null", false],
];

for (const [json, isTaken] of given) {
  test(`${json} is ${isTaken ? "taken" : "refused"}`, (t) => {
    const parsed = v.safeParse(counts, JSON.parse(json));
    t.is(parsed.success, isTaken);
    if (parsed.success) t.deepEqual(parsed.output, JSON.parse(json));
  });
}
