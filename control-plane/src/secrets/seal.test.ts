import { randomBytes } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { isFlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { deriveKeys } from "./master-key.ts";
import { rewrap, seal, unseal, type Sealed } from "./seal.ts";

const master = deriveKeys(randomBytes(32));
const other = deriveKeys(randomBytes(32));
const owner = { orgId: "org-1", record: "usage_providers/1" };

test("what was sealed opens to the same text, and never shows it", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 8 }), (text) => {
      const sealed = seal(new Secret(text), owner, master);
      t.is(unseal(sealed, owner, master).reveal(), text);
      t.false(sealed.includes(text));
    }),
  );
});

test("sealing twice gives two texts", (t) => {
  const secret = new Secret("sk-123");
  t.not(seal(secret, owner, master), seal(secret, owner, master));
});

test("another master key is told by its id before anything is tried", (t) => {
  const sealed = seal(new Secret("x"), owner, master);
  t.like(
    t.throws(() => unseal(sealed, owner, other)),
    { code: "FS_MASTER_KEY" },
  );
});

for (const [what, moved] of [
  ["another organisation", { ...owner, orgId: "org-2" }],
  ["another record", { ...owner, record: "usage_providers/2" }],
] as const) {
  test(`a sealed secret that was moved to ${what} does not open`, (t) => {
    const sealed = seal(new Secret("x"), owner, master);
    t.like(
      t.throws(() => unseal(sealed, moved, master)),
      { code: "FS_STORE_CORRUPT" },
    );
  });
}

test("any changed letter is noticed", (t) => {
  const sealed = seal(new Secret("a secret"), owner, master);
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), (at) => {
      const letter = sealed[at] === "A" ? "B" : "A";
      const forged = (sealed.slice(0, at) + letter + sealed.slice(at + 1)) as Sealed;
      let found = "refused";
      try {
        found = unseal(forged, owner, master).reveal();
      } catch (error) {
        t.true(isFlowstateError(error));
      }
      // The last letter of a part may carry unused bits, so that two spellings are one value.
      t.true(found === "refused" || found === "a secret");
    }),
  );
});

test("rotating the master key leaves the secret, and the old key no longer opens it", (t) => {
  const sealed = seal(new Secret("kept"), owner, master);
  const rotated = rewrap(sealed, owner, master, other);
  t.is(unseal(rotated, owner, other).reveal(), "kept");
  t.throws(() => unseal(rotated, owner, master));
  t.is(rewrap(rotated, owner, master, other), rotated, "rotating again changes nothing");
});
