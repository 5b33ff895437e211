import test from "ava";
import fc from "fast-check";
import { Secret } from "@flowstate/shared/secret";
import { hideCredentials, vendorWords } from "./failure.ts";
import { credentialField, parseCredentials } from "./form.ts";
import { connectors } from "./registry.ts";

const fields = [
  credentialField({
    name: "adminKey",
    label: "admin key",
    hint: "an admin key such as sk-…",
    pattern: "sk-\\w+",
  }),
  credentialField({ name: "note", label: "note", secret: false, required: false }),
];

const forms: readonly [inputs: Record<string, string>, expected: string][] = [
  [{ adminKey: " sk-abc " }, "adminKey=sk-abc"],
  [{ adminKey: "sk-abc", note: "" }, "adminKey=sk-abc"],
  [{ adminKey: "sk-abc", note: "x" }, "adminKey=sk-abc note=x"],
  [{}, "adminKey is missing: an admin key such as sk-…"],
  [{ adminKey: "" }, "adminKey is missing: an admin key such as sk-…"],
  [{ adminKey: "pk-secret" }, "adminKey takes an admin key such as sk-…"],
  [{ adminKey: "sk-abc\r\nx: y" }, "adminKey takes an admin key such as sk-…"],
  [{ adminKey: "sk-abc", note: "a\r\nb" }, "note holds a control character"],
  [{ adminKey: "sk-abc", other: "x" }, '"other" is not a credential field; there are: adminKey, note'],
  [
    { adminKey: "sk-abc", baseUrl: "http://127.0.0.1:1" },
    "baseUrl is refused unless FLOWSTATE_ALLOW_PROVIDER_BASE_URL=1",
  ],
];
for (const [inputs, expected] of forms) {
  test(`form ${JSON.stringify(inputs)} -> ${expected}`, (t) => {
    const given = Object.entries(inputs).map(([name, value]) => ({ name, value }));
    const parsed = parseCredentials(fields, given, { baseUrlAllowed: false });
    const shown = parsed.ok
      ? Object.entries(parsed.value)
          .map(([name, value]) => `${name}=${value.reveal()}`)
          .join(" ")
      : parsed.detail;
    t.is(shown, expected);
  });
}

test("a refused form never repeats a value", (t) => {
  const value = fc
    .string({ minLength: 6 })
    .filter((text) => !"adminKey takes an admin key such as sk-… missing:".includes(text.trim()));
  fc.assert(
    fc.property(value, (text) => {
      const parsed = parseCredentials(fields, [{ name: "adminKey", value: text }], { baseUrlAllowed: false });
      t.true(parsed.ok || !parsed.detail.includes(text));
    }),
  );
});

test("every form asks for something that can be typed", (t) => {
  for (const { kind, fields: asked, schedule } of connectors) {
    for (const { name, label, pattern } of asked) {
      t.regex(name, /^[a-z][A-Za-z]+$/, kind);
      t.truthy(label, `${kind}.${name}`);
      t.notThrows(() => new RegExp(pattern ?? ""), `${kind}.${name}`);
    }
    t.true(schedule.rereadDays <= schedule.backfillDays && schedule.windowDays > 0, kind);
  }
});

const key = "sk-ant-admin01-Qx7Lm2Vw9Tz4Rr8";
const told: readonly [text: string, shown: string][] = [
  [`bad key ${key}`, "bad key [credential]"],
  [`bad key ${key}.`, "bad key [credential]."],
  [`in a URL: ?key=${encodeURIComponent(key)}&x=1`, "in a URL: ?key=[credential]&x=1"],
  [`basic ${Buffer.from(key).toString("base64")}`, "basic [credential]"],
  ["masked sk-ant-a********8Rr8", "masked [credential]"],
  [`cut short ${key.slice(0, 20)}…`, "cut short [credential]"],
  [`the end …${key.slice(-10)}`, "the end [credential]"],
  ["nothing to hide", "nothing to hide"],
];
for (const [text, shown] of told) {
  test(`hides: ${text.replaceAll(key, "KEY")}`, (t) => t.is(hideCredentials(text, [new Secret(key)]), shown));
}

const bodies: readonly [body: string, words: string | null][] = [
  ['{"error":{"message":"no"}}', "no"],
  ['{"type":"error","error":{"type":"x","message":"inner"}}', "inner"],
  ['{"message":"outer","documentation_url":"u"}', "outer"],
  ['{"error":"Too Many Requests","message":"slow down"}', "slow down"],
  ['{"error":"invalid_grant","error_description":"expired"}', "expired"],
  ['{"detail":"Not found"}', "Not found"],
  ['{"errors":[{"message":"first"},{"message":"second"}]}', "first"],
  ["plain text", "plain text"],
  ["<html>502</html>", null],
  ["{}", null],
  ["", null],
];
for (const [body, words] of bodies) {
  test(`the vendor's words in ${body || "nothing"} -> ${words}`, (t) => t.is(vendorWords(body), words));
}

test("whatever a vendor sends, its words are read without failing", (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      const words = vendorWords(body);
      t.true(words === null || words.length <= 500);
    }),
  );
});
