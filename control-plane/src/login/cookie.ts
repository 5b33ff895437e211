import type { IncomingHttpHeaders } from "node:http";
import type { Secret } from "@flowstate/shared/secret";
import type { FlowKind } from "./flow.ts";
import { loginLifetime } from "./logins.ts";

/** Set-Cookie for a new login. */
export function loginCookie(secret: Secret, publicUrl: URL): string {
  return cookieOf("login", secret.reveal(), loginLifetime.absoluteMs / 1000, publicUrl);
}

/** Set-Cookie that takes it away. */
export function noLoginCookie(publicUrl: URL): string {
  return cookieOf("login", "", 0, publicUrl);
}

export function cookieValue(header: string | undefined, publicUrl: URL): string | null {
  return valueOfCookie(header, "login", publicUrl);
}

/** What a cookie of ours is for. */
export type CookiePurpose = "login" | FlowKind;

export function cookieOf(
  purpose: CookiePurpose,
  value: string,
  maxAgeSeconds: number,
  publicUrl: URL,
): string {
  return `${cookieName(purpose, publicUrl)}=${value}; ${attributes(publicUrl)}; Max-Age=${maxAgeSeconds}`;
}

export function valueOfCookie(
  header: string | undefined,
  purpose: CookiePurpose,
  publicUrl: URL,
): string | null {
  const name = cookieName(purpose, publicUrl);
  for (const part of (header ?? "").split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name && value !== undefined) return value;
  }
  return null;
}

/**
 * The `__Host-` prefix pins a cookie to this very origin over TLS; browsers refuse it on plain http, so on this
 * machine's loopback address the name goes without.
 */
function cookieName(purpose: CookiePurpose, publicUrl: URL): string {
  const name = purpose === "login" ? "flowstate" : `flowstate-${purpose}`;
  return publicUrl.protocol === "https:" ? `__Host-${name}` : name;
}

/**
 * Whether a request comes from our own pages. Browsers send Origin with each unsafe request and Sec-Fetch-Site with
 * each; a client that sends neither is no browser and carries no cookie that somebody else could use.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, publicUrl: URL): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return false;
  const { origin, host } = headers;
  if (origin === undefined) return true;
  return origin === publicUrl.origin || (URL.canParse(origin) && new URL(origin).host === host);
}

function attributes(publicUrl: URL): string {
  return `Path=/; HttpOnly; SameSite=Lax${publicUrl.protocol === "https:" ? "; Secure" : ""}`;
}
