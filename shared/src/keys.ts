import { createHmac, hash, randomBytes } from "node:crypto";
import type { Brand } from "./brand.ts";
import { must } from "./assert.ts";
import { ok, refuse, type Parsed } from "./parsed.ts";

/**
 * Keys: `<prefix>_<8-letter id>_<43 letters of base62, 256 random bits>_<6-letter checksum>`, letters of [A-Za-z0-9]
 * only, for they stand in URLs. The id may be shown and logged; the checksum tells a typing error from a wrong key
 * and lets leak scanners be exact.
 */
export const keyPrefixes = {
  /** Shared by an organisation's devices; the user name is the person's e-mail. */
  org: "fsk",
  /** Bound to a service account, whatever the user name says. */
  service_account: "fss",
  /** Bound to one person, whatever the user name says. */
  personal: "fsu",
  /** GraphQL and REST, carrying permissions. */
  api: "fsa",
  /** A proxy's right to read the key snapshot and to report meters. */
  enrolment: "fsp",
} as const;

export type KeyKind = keyof typeof keyPrefixes;

/** A key of good form: prefix, lengths and checksum are right. Says nothing about whether it is active. */
export interface ParsedKey {
  readonly kind: KeyKind;
  readonly keyId: string;
  /** The whole clear text. */
  readonly text: string;
}

/** HMAC-SHA-256 of a key under the installation's pepper, lower-case hex. Safe to store: the key has 256 random bits. */
export type KeyHash = Brand<string, "KeyHash">;

const shape = /^(fsk|fss|fsu|fsa|fsp)_([A-Za-z0-9]{8})_([A-Za-z0-9]{43})_([A-Za-z0-9]{6})$/;
const kindOfPrefix = new Map(Object.entries(keyPrefixes).map(([kind, prefix]) => [prefix, kind as KeyKind]));

export function mintKey(kind: KeyKind): ParsedKey {
  const keyId = randomBase62(8);
  const body = `${keyPrefixes[kind]}_${keyId}_${randomBase62(43)}`;
  return { kind, keyId, text: `${body}_${checksum(body)}` };
}

/** Reads a key. Never throws and never repeats the key in its refusal. */
export function parseKey(text: string): Parsed<ParsedKey, "not_a_key" | "bad_checksum"> {
  const match = text.length <= 64 ? shape.exec(text) : null;
  if (match === null) return refuse("not_a_key", "this is not a Flowstate key");
  const [, prefix = "", keyId = "", , tail = ""] = match;
  if (checksum(text.slice(0, -7)) !== tail) {
    return refuse("bad_checksum", `key ${prefix}_${keyId}… is misspelt: its checksum does not fit`);
  }
  return ok({ kind: must(kindOfPrefix.get(prefix as never), "prefix without a kind"), keyId, text });
}

/** What is stored and looked up instead of the key. */
export function hashKey(text: string, pepper: Buffer): KeyHash {
  return createHmac("sha256", pepper).update(text).digest("hex") as KeyHash;
}

/** How a key is named to people: enough to recognise it, too little to use it. */
export function keyLabel(kind: KeyKind, keyId: string): string {
  return `${keyPrefixes[kind]}_${keyId}…`;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 43 letters of 5.954 bits hold 256 bits; bytes of 248 and above are thrown away, so that no letter is likelier. */
function randomBase62(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      if (byte < 248 && text.length < length) text += alphabet[byte % 62];
    }
  }
  return text;
}

function checksum(body: string): string {
  let value = Number.parseInt(hash("sha256", body, "hex").slice(0, 12), 16);
  let text = "";
  for (let index = 0; index < 6; index += 1) {
    text += alphabet[value % 62];
    value = Math.floor(value / 62);
  }
  return text;
}
