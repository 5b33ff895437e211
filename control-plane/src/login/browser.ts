import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@flowstate/shared/clock";
import type { Member } from "../members/members.ts";
import type { Store } from "../store/open.ts";
import { cookieValue, loginCookie } from "./cookie.ts";
import {
  endLogin,
  findLogin,
  parseLoginSecret,
  startLogin,
  type Login,
  type SignInMethod,
} from "./logins.ts";

export interface BrowserDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly publicUrl: () => URL;
}

/** Who is signed in with the browser that sends the request. */
export async function findBrowserLogin(
  { headers }: FastifyRequest,
  { store, clock, publicUrl }: BrowserDependencies,
): Promise<Login | null> {
  const cookie = parseLoginSecret(cookieValue(headers.cookie, publicUrl()) ?? "");
  return cookie === null ? null : findLogin(store, cookie, clock.now());
}

/** Signs the member in with this browser, in the place of whoever was, and returns where to go now. */
export async function signInBrowser(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { store, clock, publicUrl }: BrowserDependencies,
  { member, by, next }: { readonly member: Member; readonly by: SignInMethod; readonly next: string | null },
): Promise<string> {
  const before = parseLoginSecret(cookieValue(headers.cookie, publicUrl()) ?? "");
  const secret = await store.transact(async (db) => {
    if (before !== null) await endLogin(db, before, clock.now());
    return startLogin(db, member, by, clock.now());
  });
  void reply.header("set-cookie", loginCookie(secret, publicUrl()));
  return by === "link" && !member.hasPassword ? "/account/password" : (next ?? "/");
}

/** Where signing in may lead: the page on which an application asks to be connected, and the account. */
export function parseNext(text: unknown): string | null {
  return typeof text === "string" && /^(?:\/oauth\/consent\/[\w-]{1,64}|\/account)$/.test(text) ? text : null;
}
