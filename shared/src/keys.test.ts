import { randomBytes } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { hashKey, keyLabel, keyPrefixes, mintKey, parseKey, type KeyKind } from "./keys.ts";

for (const kind of Object.keys(keyPrefixes) as KeyKind[]) {
  test(`a minted ${kind} key reads back and holds only letters that are safe in a URL`, (t) => {
    const key = mintKey(kind);
    t.regex(key.text, /^[A-Za-z0-9_]+$/);
    t.deepEqual(parseKey(key.text), { ok: true, value: key });
    t.false(keyLabel(kind, key.keyId).includes(key.text.slice(13, 56)));
  });
}

test("one changed letter is told as a misspelt key, without repeating it", (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 62 }), (position) => {
      const { text } = mintKey("org");
      const letter = text[position] === "a" ? "b" : "a";
      if (text[position] === "_") return true;
      const refused = parseKey(text.slice(0, position) + letter + text.slice(position + 1));
      return !refused.ok && refused.reason === "bad_checksum" && !refused.detail.includes(text.slice(13, 56));
    }),
  );
  t.pass();
});

test("no text makes the reader throw, and none but a key is one", (t) => {
  fc.assert(fc.property(fc.string(), (text) => !parseKey(text).ok));
  t.pass();
});

test("the hash depends on the pepper", (t) => {
  const { text } = mintKey("org");
  const pepper = randomBytes(32);
  t.is(hashKey(text, pepper), hashKey(text, pepper));
  t.not(hashKey(text, pepper), hashKey(text, randomBytes(32)));
});
