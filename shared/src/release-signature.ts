import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { ok, refuse, type Parsed } from "./parsed.ts";
import type { ReleaseManifest } from "./wire/release.ts";

/**
 * Who may make a program run on an organisation's devices: whoever holds its release key, an Ed25519 key (RFC 8032)
 * that is kept away from the control plane. Devices are given the public half when they are installed.
 */
export interface ReleaseKey {
  /** `fsr_` and the 32 bytes in base64url. */
  readonly text: string;
  readonly key: KeyObject;
}

/** Reads a public release key. Never throws. */
export function parseReleaseKey(text: string): Parsed<ReleaseKey, "not_a_release_key"> {
  const x = /^fsr_([\w-]{43})$/.exec(text.trim())?.[1];
  try {
    if (x !== undefined) {
      const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
      // A last letter has bits to spare; only one spelling of a key is that key.
      if (publicText(key) === text.trim()) return ok({ text: text.trim(), key });
    }
  } catch {
    // Not a key.
  }
  return refuse("not_a_release_key", "a public release key is expected: fsr_ and 43 letters");
}

/** A new pair: the private half as PEM (PKCS #8), for a file that stays offline, and the public half as text. */
export function generateReleaseKey(): { readonly privatePem: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }),
    publicKey: publicText(publicKey),
  };
}

/** The manifest with a signature by the private key, given as PEM. Throws where that is no Ed25519 key. */
export function signRelease(
  manifest: Omit<ReleaseManifest, "signature">,
  privatePem: string,
): ReleaseManifest {
  const key = createPrivateKey(privatePem);
  if (key.asymmetricKeyType !== "ed25519") throw new TypeError("a release is signed with an Ed25519 key");
  const value = sign(null, signedBytes(manifest), key).toString("base64url");
  return { ...manifest, signature: { key: publicText(createPublicKey(key)), value } };
}

/** Whether the holder of this very key has signed this very manifest. Never throws. */
export function isSignedBy(manifest: ReleaseManifest, { text, key }: ReleaseKey): boolean {
  const { signature } = manifest;
  if (signature === null || signature.key !== text) return false;
  return verify(null, signedBytes(manifest), key, Buffer.from(signature.value, "base64url"));
}

/**
 * What is signed: every field that decides what runs, a line each under a heading of its own, so that a signature
 * means nothing else anywhere else. No field can hold a line break.
 */
function signedBytes({
  version,
  platform,
  size,
  sha256,
  releasedAt,
}: Omit<ReleaseManifest, "signature">): Buffer {
  return Buffer.from(
    ["flowstate agent release 1", version, platform, size, sha256, releasedAt, ""].join("\n"),
  );
}

function publicText(key: KeyObject): string {
  return `fsr_${key.export({ format: "jwk" }).x ?? ""}`;
}
