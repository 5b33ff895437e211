/** Detectors on a labelled sample. Credentials are put together here, so that no file holds anything that looks like one. */
import { crc32 } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { mintKey } from "@flowstate/shared/keys";
import { seenContent } from "./new-content.ts";
import { findPersonalData } from "./personal-data.ts";
import { findSecrets } from "./secrets.ts";

const letters = "aB3dE5gH7jK9mN2pQ4rS6tU8vW0xYzAbCdEfGhIjKlMnOpQrStUvWxYz1234567890";
const random = (length: number): string => letters.repeat(3).slice(5, 5 + length);
const withChecksum = (prefix: string): string => {
  const body = random(30);
  const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let value = crc32(body);
  let digits = "";
  while (digits.length < 6) {
    digits = (base62[value % 62] ?? "") + digits;
    value = Math.floor(value / 62);
  }
  return prefix + body + digits;
};
const token = ['{"alg":"HS256"}', '{"sub":"someone"}']
  .map((part) => Buffer.from(part).toString("base64url"))
  .join(".");

const secrets: [kind: string, text: string][] = [
  ["flowstate-key", mintKey("org").text],
  ["anthropic-key", `sk-ant-api03-${random(95)}`],
  ["openai-key", `sk-proj-${random(20)}T3BlbkFJ${random(20)}`],
  ["openrouter-key", `sk-or-v1-${"0123456789abcdef".repeat(4)}`],
  ["aws-access-key", ["AKIA", "ABCDEFGHIJ234567"].join("")],
  ["github-token", withChecksum("ghp_")],
  ["gitlab-token", `glpat-${random(20)}`],
  ["google-key", `AIza${random(35)}`],
  ["slack-token", `xoxb-12345678901-${random(24)}`],
  ["stripe-key", `sk_live_${random(24)}`],
  ["sendgrid-key", `SG.${random(22)}.${random(43)}`],
  ["npm-token", withChecksum("npm_")],
  ["huggingface-token", "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH"],
  ["digitalocean-token", `dop_v1_${"0123456789abcdef".repeat(4)}`],
  ["json-web-token", `${token}.${random(43)}`],
  ["private-key", "-----BEGIN RSA PRIVATE KEY-----"],
  ["database-password", "postgres://app:h7Gf2kLq@db.internal"],
];
const noSecrets = [
  "sk-ant-api03-your-key-here",
  "sk-proj-xxxxxxxxxxxxxxxxxxxxxxxx",
  `ghp_${random(36)}`,
  `npm_${"a".repeat(36)}`,
  `AIza${"a".repeat(35)}`,
  `hf_${"x".repeat(34)}`,
  "AKIAEXAMPLE",
  "postgres://user:password@localhost/db",
  "postgres://user:${DB_PASSWORD}@localhost/db",
  "-----BEGIN PUBLIC KEY-----",
  "eyJhbGciOiJIUzI1NiJ9 alone",
  "commit 9c469c3ed1fd92cf0826d5cf0056a71c9dbd62bc",
  "the task_force_killed_it function",
];

const personal: [kind: string, text: string][] = [
  ["payment-card", "4111 1111 1111 1111"],
  ["payment-card", "5500-0000-0000-0004"],
  ["payment-card", "378282246310005"],
  ["iban", "DE89 3704 0044 0532 0130 00"],
  ["iban", "GB29NWBK60161331926819"],
  ["us-social-security-number", "219-09-9999"],
  ["e-mail-address", "jane.doe+work@acme-corp.co.uk"],
];
const nothingPersonal = [
  "4111 1111 1111 1112",
  "1234567890123456",
  "DE89 3704 0044 0532 0130 01",
  "000-12-3456",
  "2026-11-21T03:40:00.000Z",
  "git@github.com",
  "person@example.com",
  "logo@2x.png",
  "0.4111111111111111",
  "123e4567-e89b-12d3-a456-426614174000",
];

const around = (text: string): string => `Here it is: "${text}", see?`;

for (const [kind, text] of secrets) {
  test(`a secret is found: ${kind}`, (t) => {
    t.deepEqual(
      findSecrets(around(text)).map(({ kind, at, length }) => [kind, at, length]),
      [[kind, 13, text.length]],
    );
  });
}

for (const [kind, text] of personal) {
  test(`personal data are found: ${kind}, ending in ${text.slice(-4)}`, (t) => {
    t.deepEqual(
      findPersonalData(around(text)).map(({ kind, at, length }) => [kind, at, length]),
      [[kind, 13, text.length]],
    );
  });
}

test("what only looks like it is not found", (t) => {
  for (const text of noSecrets) t.deepEqual(findSecrets(around(text)), [], text);
  for (const text of nothingPersonal) t.deepEqual(findPersonalData(around(text)), [], text);
});

test("no text makes a detector throw", (t) => {
  const piece = fc.oneof(fc.string(), fc.constantFrom(...[...secrets, ...personal].map(([, text]) => text)));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join("");
      return [...findSecrets(text), ...findPersonalData(text)].every(
        ({ at, length }) => at >= 0 && at + length <= text.length,
      );
    }),
  );
  t.pass();
});

test("a conversation that is sent again is looked at in its new part only", (t) => {
  const seen = seenContent();
  const first = { role: "user", content: "the first question" };
  const second = { role: "user", content: [{ type: "text", text: "the second question" }] };
  t.deepEqual(seen.fresh({ model: "claude-x-long-name", messages: [first] }), ["the first question"]);
  t.deepEqual(seen.fresh({ model: "claude-x-long-name", messages: [first, second] }), [
    "the second question",
  ]);
  t.deepEqual(seen.fresh({ messages: [first, second] }), []);
  t.deepEqual(seen.fresh("not an object"), ["not an object"]);
});
