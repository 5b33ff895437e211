import test from "ava";
import fc from "fast-check";
import { basicCredential, parseBasicCredential, percentEncode } from "./basic-auth.ts";

const encode = (text: string): string => Buffer.from(text).toString("base64");

const cases: [field: string, outcome: string][] = [
  [`Basic ${encode("a@b.c:key")}`, "a@b.c | key"],
  [`bAsIc  ${encode("a:b:c")}`, "a | b:c"],
  [`Basic ${encode(":key")}`, " | key"],
  [`Basic ${encode("user:")}`, "user | "],
  ["Bearer abc", "other_scheme"],
  ["Negotiate", "other_scheme"],
  ["", "other_scheme"],
  ["Basic", "not_base64"],
  ["Basic !!!", "not_base64"],
  [`Basic ${encode("nocolon")}`, "no_colon"],
  [`Basic ${encode("a\r\nb:c")}`, "control_character"],
  [`Basic ${"A".repeat(5000)}`, "too_long"],
];

for (const [field, outcome] of cases) {
  test(`credential ${JSON.stringify(field.slice(0, 30))} -> ${outcome}`, (t) => {
    const result = parseBasicCredential(field);
    t.is(result.ok ? `${result.value.user} | ${result.value.password}` : result.reason, outcome);
  });
}

test("a credential of printable text survives writing and reading", (t) => {
  const text = fc.string({ unit: "grapheme", maxLength: 200 }).filter((value) => !/\p{Cc}/u.test(value));
  fc.assert(
    fc.property(
      text.filter((user) => !user.includes(":")),
      text,
      (user, password) => {
        const back = parseBasicCredential(basicCredential({ user, password }));
        return back.ok && back.value.user === user && back.value.password === password;
      },
    ),
  );
  t.pass();
});

test("a percent-encoded user name stands in a URL and comes back", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (user) => {
      const encoded = percentEncode(user);
      return /^[A-Za-z0-9\-._~%]*$/.test(encoded) && decodeURIComponent(encoded) === user;
    }),
  );
  t.is(percentEncode("o'brien+x@example.com"), "o%27brien%2Bx%40example.com");
});
