import test from "ava";
import fc from "fast-check";
import { parseSubject } from "./subject.ts";

const cases: [user: string, outcome: string][] = [
  ["Person@Example.com", "person@example.com"],
  ["person%40example.com", "person@example.com"],
  ["ada%2Btest%40example.com", "ada+test@example.com"],
  ["ada+test@example.com", "ada+test@example.com"],
  ["o'brien@example.com", "o'brien@example.com"],
  ["Zoe\u0308@Example.com", "zoë@example.com"],
  ["100%@example.com", "100%@example.com"],
  ["person", "refused: not_an_email"],
  ["person@host", "refused: not_an_email"],
  ["a@b@example.com", "refused: not_an_email"],
  ["@example.com", "refused: not_an_email"],
  ["a b@example.com", "refused: not_an_email"],
  ["", "refused: empty"],
  ["${USER_EMAIL}", "refused: placeholder"],
  ["$EMAIL", "refused: placeholder"],
  ["{{userEmail}}", "refused: placeholder"],
  ["%Email%", "refused: placeholder"],
  ["<user-email>", "refused: placeholder"],
  ["%24%7BUSER%7D%40example.com", "refused: placeholder"],
  ["a%0d%0ab%40example.com", "refused: control_character"],
  ["a\u0000@example.com", "refused: control_character"],
  [`${"a".repeat(300)}@example.com`, "refused: too_long"],
];

for (const [user, outcome] of cases) {
  test(`subject ${JSON.stringify(user.slice(0, 40))} -> ${outcome}`, (t) => {
    const result = parseSubject(user);
    t.is(result.ok ? result.value : `refused: ${result.reason}`, outcome);
  });
}

test("a subject is its own canonical form", (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.emailAddress()), (user) => {
      const first = parseSubject(user);
      if (!first.ok) return true;
      const second = parseSubject(first.value);
      return second.ok && second.value === first.value;
    }),
  );
  t.pass();
});
