import type { Brand } from "./brand.ts";
import { ok, refuse, type Parsed } from "./parsed.ts";

/** Who causes the traffic: a work e-mail in its one canonical form (percent-decoded once, NFC, lower case). */
export type Subject = Brand<string, "Subject">;

export type SubjectRefusal = "empty" | "placeholder" | "not_an_email" | "too_long" | "control_character";

const placeholder = /\$\{|\$[A-Za-z_]|\{\{|\}\}|%[A-Za-z_]{2,}%|<[^>]*>/;
const controlCharacter = /\p{Cc}/u;
const email = /^[^\s@"(),:;<>[\\\]]+@[^\s@"(),:;<>[\\\]]+\.[^\s@."(),:;<>[\\\]]+$/u;

/**
 * Turns a Basic-auth user name into a subject. Never throws: the name comes from a stranger.
 * Some clients (axios, Python websockets) send the name still percent-encoded, so it is decoded once
 * where it holds no `@`. `+` is never a blank. A name an MDM failed to fill in is its own refusal,
 * so that the admin can see which payload is at fault.
 */
export function parseSubject(user: string): Parsed<Subject, SubjectRefusal> {
  if (user === "") return refuse("empty", "the user name is empty; it must be the person's work e-mail");
  if (user.length > 1024) return refuse("too_long", "the user name is longer than any e-mail address");
  if (placeholder.test(user)) {
    return refuse(
      "placeholder",
      "the user name is a placeholder that the MDM did not fill in with the person's e-mail",
    );
  }
  const decoded = user.includes("@") ? user : decodeOnce(user);
  if (controlCharacter.test(decoded)) {
    return refuse("control_character", "the user name holds a control character");
  }
  if (placeholder.test(decoded)) {
    return refuse(
      "placeholder",
      "the user name is a placeholder that the MDM did not fill in with the person's e-mail",
    );
  }
  const canonical = decoded.normalize("NFC").toLowerCase();
  if (Buffer.byteLength(canonical) > 254) {
    return refuse("too_long", "the user name is longer than 254 bytes, the limit of an e-mail address");
  }
  if (!email.test(canonical)) {
    return refuse("not_an_email", "the user name is not an e-mail address; encode @ as %40 in a proxy URL");
  }
  return ok(canonical as Subject);
}

function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
