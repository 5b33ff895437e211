import { randomBytes } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { openBox, sealBox } from "./sealed-box.ts";

test("what was sealed opens with its key, in its place, as it was", (t) => {
  const key = randomBytes(32);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, place) => {
      const clear = Buffer.from(bytes);
      const box = sealBox(clear, key, place);
      t.deepEqual(openBox(box, key, place), clear);
      t.is(openBox(box, randomBytes(32), place), null);
      t.is(openBox(box, key, `${place}.`), null);
    }),
  );
});

test("a box with any bit changed, or cut anywhere, does not open", (t) => {
  const key = randomBytes(32);
  const box = sealBox(Buffer.from("a few words"), key, "here");
  for (let at = 0; at < box.length; at += 1) {
    const changed = Buffer.from(box);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.is(openBox(changed, key, "here"), null);
    t.is(openBox(box.subarray(0, at), key, "here"), null);
  }
});

test("the same words are never sealed alike", (t) => {
  const key = randomBytes(32);
  const clear = Buffer.from("a few words");
  t.notDeepEqual(sealBox(clear, key, ""), sealBox(clear, key, ""));
});
