import test from "ava";
import { Secret } from "@flowstate/shared/secret";
import { hashPassword, verifyPassword } from "./password.ts";

test("the right password is accepted, in any spelling that a keyboard makes of it", async (t) => {
  const stored = await hashPassword(new Secret("correct hörse battery"));
  t.regex(stored, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  t.true(await verifyPassword(new Secret("correct hörse battery"), stored));
  t.true(await verifyPassword(new Secret("correct ho\u0308rse battery"), stored));
  t.false(await verifyPassword(new Secret("correct horse battery"), stored));
  t.false(await verifyPassword(new Secret(""), stored));
});

test("the same password hashes differently each time", async (t) => {
  const stored = await hashPassword(new Secret("one password"));
  const again = await hashPassword(new Secret("one password"));
  t.not(stored, again, "each hash has a salt of its own");
  t.true(await verifyPassword(new Secret("one password"), again));
});

test("nobody's password is never right", async (t) => {
  t.false(await verifyPassword(new Secret("anything at all"), null));
});

for (const [what, password] of [
  ["too short", "eleven char"],
  ["too long", "x".repeat(1025)],
] as const) {
  test(`a password that is ${what} is refused`, async (t) => {
    t.like(await t.throwsAsync(hashPassword(new Secret(password))), { code: "FS_INPUT_INVALID" });
  });
}
