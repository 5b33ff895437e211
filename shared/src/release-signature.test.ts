import { generateKeyPairSync } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import * as v from "valibot";
import { must } from "./assert.ts";
import {
  generateReleaseKey,
  isSignedBy,
  parseReleaseKey,
  signRelease,
  type ReleaseKey,
} from "./release-signature.ts";
import { releaseManifest, type ReleaseManifest } from "./wire/release.ts";

const unsigned = {
  version: "1.2.3",
  platform: "linux-x64",
  size: 150_000_000,
  sha256: "ab".repeat(32),
  releasedAt: "2026-11-20T10:00:00Z",
};
const pair = generateReleaseKey();

function keyOf(text: string): ReleaseKey {
  const parsed = parseReleaseKey(text);
  return must(parsed.ok ? parsed.value : undefined, "a release key");
}

test("a signed manifest is believed under its key, and stays a manifest on the wire", (t) => {
  const signed = v.parse(releaseManifest, JSON.parse(JSON.stringify(signRelease(unsigned, pair.privatePem))));
  t.true(isSignedBy(signed, keyOf(pair.publicKey)));
  t.false(isSignedBy({ ...unsigned, signature: null }, keyOf(pair.publicKey)));
});

test("a manifest that was changed anywhere, or signed by somebody else, is not believed", (t) => {
  const signed = signRelease(unsigned, pair.privatePem);
  const other = generateReleaseKey();
  const changes: readonly Partial<ReleaseManifest>[] = [
    { version: "1.2.4" },
    { platform: "linux-arm64" },
    { size: 1 },
    { sha256: "cd".repeat(32) },
    { releasedAt: "2026-11-21T10:00:00Z" },
  ];
  for (const change of changes)
    t.false(isSignedBy({ ...signed, ...change }, keyOf(pair.publicKey)), JSON.stringify(change));
  const foreign = signRelease(unsigned, other.privatePem);
  t.false(isSignedBy(foreign, keyOf(pair.publicKey)));
  const claimed = foreign.signature && { ...foreign.signature, key: pair.publicKey };
  t.false(isSignedBy({ ...foreign, signature: claimed }, keyOf(pair.publicKey)), "a key is named by anybody");
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (bytes) => {
      const value = Buffer.from(bytes).toString("base64url");
      t.false(isSignedBy({ ...unsigned, signature: { key: pair.publicKey, value } }, keyOf(pair.publicKey)));
    }),
  );
});

test("what is no release key is refused, whatever it is", (t) => {
  const cases = [
    "",
    "fsr_",
    pair.publicKey.slice(0, -1),
    `${pair.publicKey}A`,
    pair.publicKey.slice(4),
    pair.privatePem,
  ];
  for (const text of cases) t.false(parseReleaseKey(text).ok, text);
  fc.assert(fc.property(fc.string(), (text) => t.false(parseReleaseKey(text).ok)));
  t.true(parseReleaseKey(` ${pair.publicKey}\n`).ok);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  t.throws(() => signRelease(unsigned, pem), { message: /Ed25519/ });
});
