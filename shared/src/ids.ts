import { randomBytes, randomUUID } from "node:crypto";
import type { Brand } from "./brand.ts";
import { ok, refuse, type Parsed } from "./parsed.ts";

export type OrgId = Brand<string, "OrgId">;

/** A new time-ordered identifier: 48 bits of time, then 80 random bits, in 26 Crockford base32 letters (ULID). */
export function newId(now: number = Date.now()): string {
  let time = now;
  let head = "";
  for (let index = 0; index < 10; index += 1) {
    head = crockford[time % 32] + head;
    time = Math.floor(time / 32);
  }
  const tail = Array.from(randomBytes(16), (byte) => crockford[byte % 32]).join("");
  return head + tail;
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function newOrgId(): OrgId {
  return newId() as OrgId;
}

/** For values read back from our own store, which only ever held a parsed one. */
export function orgId(stored: string): OrgId {
  return stored as OrgId;
}

export function newUuid(): string {
  return randomUUID();
}

/** The short name of an organisation in commands and addresses. */
export function parseSlug(text: string): Parsed<string, "not_a_slug"> {
  return /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(text)
    ? ok(text)
    : refuse(
        "not_a_slug",
        `"${text.slice(0, 40)}" is not a short name: use a-z, 0-9 and inner hyphens, at most 40`,
      );
}
