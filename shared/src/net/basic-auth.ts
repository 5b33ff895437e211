import { ok, refuse, type Parsed } from "../parsed.ts";

export interface BasicCredential {
  readonly user: string;
  readonly password: string;
}

export type BasicRefusal = "other_scheme" | "not_base64" | "no_colon" | "too_long" | "control_character";

const limit = 4096;

/** Reads a `Basic` credential (RFC 7617): scheme in any case, UTF-8, everything after the first colon is the password. Never throws. */
export function parseBasicCredential(field: string): Parsed<BasicCredential, BasicRefusal> {
  if (field.length > limit) return refuse("too_long", `the credential is longer than ${limit} characters`);
  const match = /^basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(field);
  if (match === null) {
    return /^basic(?: |$)/i.test(field)
      ? refuse("not_base64", "the Basic credential is not base64")
      : refuse("other_scheme", "only the Basic scheme is understood here");
  }
  const text = Buffer.from(match[1] ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0)
    return refuse("no_colon", "the Basic credential has no colon between user name and password");
  if (/\p{Cc}/u.test(text)) {
    return refuse("control_character", "the Basic credential holds a control character");
  }
  return ok({ user: text.slice(0, colon), password: text.slice(colon + 1) });
}

export function basicCredential({ user, password }: BasicCredential): string {
  return `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
}

/** RFC 3986 percent-encoding of everything but unreserved characters: what a user name in a proxy URL needs. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
