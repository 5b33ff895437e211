import type { IncomingHttpHeaders } from "node:http";
import type { Secret } from "@flowstate/shared/secret";
import { loginLifetime } from "./logins.ts";

/**
 * The `__Host-` prefix pins a cookie to this very origin over TLS; browsers refuse it on plain http, so on this
 * machine's loopback address the name goes without.
 */
function cookieName(publicUrl: URL): string {
  return publicUrl.protocol === "https:" ? "__Host-flowstate" : "flowstate";
}

/** Set-Cookie for a new login. */
export function loginCookie(secret: Secret, publicUrl: URL): string {
  const maxAge = loginLifetime.absoluteMs / 1000;
  return `${cookieName(publicUrl)}=${secret.reveal()}; ${attributes(publicUrl)}; Max-Age=${maxAge}`;
}

/** Set-Cookie that takes it away. */
export function noLoginCookie(publicUrl: URL): string {
  return `${cookieName(publicUrl)}=; ${attributes(publicUrl)}; Max-Age=0`;
}

export function cookieValue(header: string | undefined, publicUrl: URL): string | null {
  const name = cookieName(publicUrl);
  for (const part of (header ?? "").split(";")) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name && value !== undefined) return value;
  }
  return null;
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
