import test from "ava";
import * as v from "valibot";
import { listOf } from "./list.ts";

test("of a list that is too long no entry is read", (t) => {
  let read = 0;
  const counted = v.custom<number>(() => ++read > 0);
  t.true(v.is(listOf(counted, 3), [1, 2, 3]));
  t.is(read, 3);
  t.false(v.is(listOf(counted, 3), [1, 2, 3, 4]));
  t.is(read, 3);
});

test("what is no list is refused", (t) => {
  for (const given of [null, undefined, {}, "abc", { length: 0 }])
    t.false(v.is(listOf(v.unknown(), 3), given));
});
