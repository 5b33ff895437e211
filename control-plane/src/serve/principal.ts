import type { FastifyRequest } from "fastify";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Clock } from "@flowstate/shared/clock";
import { bearerToken } from "../access/bearer.ts";
import type { Principal } from "../access/check.ts";
import type { Keyring } from "../keys/keyring.ts";
import { cookieValue, isSameOrigin } from "../login/cookie.ts";
import { findLogin, parseLoginSecret } from "../login/logins.ts";
import { principalOf } from "../members/members.ts";
import type { Store } from "../store/open.ts";

export interface PrincipalDependencies {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly publicUrl: () => URL;
}

/** The header that a page of ours adds to each call and that no other site's form can. */
export const requestHeader = "flowstate-request";

/**
 * Who sends a request: the owner of an API key, or the member behind the cookie. A cookie counts for an unsafe method
 * only when the request comes from our own pages (Origin, Sec-Fetch-Site, and a header of ours).
 */
export async function findPrincipal(
  request: FastifyRequest,
  { store, keyring, clock, publicUrl }: PrincipalDependencies,
): Promise<Principal | null> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const key = await keyring.check(bearerToken(authorization), "api");
    if (key === null) return null;
    return { kind: "api_key", orgId: key.orgId, keyId: key.keyId, permissions: key.permissions };
  }
  const cookie = parseLoginSecret(cookieValue(request.headers.cookie, publicUrl()) ?? "");
  const login = cookie === null ? null : await findLogin(store, cookie, clock.now());
  if (login === null) return null;
  const unsafe = request.method !== "GET" && request.method !== "HEAD";
  if (
    unsafe &&
    (!isSameOrigin(request.headers, publicUrl()) || request.headers[requestHeader] === undefined)
  ) {
    throw new FlowstateError(
      "FS_FORBIDDEN",
      `a change by cookie takes the header ${requestHeader} from our own pages`,
    );
  }
  return principalOf(login.member);
}
