import type { Provider } from "oidc-provider";
import type { Principal } from "../access/check.ts";
import type { Keyring } from "../keys/keyring.ts";
import { principalOf } from "../members/members.ts";
import { memberOfAccount } from "../members/account.ts";
import { readScope } from "../oauth/scopes.ts";
import { clientNameClaim } from "../oauth/server.ts";
import type { Store } from "../store/open.ts";

/** Who asks over MCP, and through which application. */
export interface McpCaller {
  readonly principal: Principal;
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly string[];
  /** What the person has agreed to; null for an API key. */
  readonly grantId: string | null;
  /** UTC epoch seconds; null for an API key. */
  readonly expiresAt: number | null;
}

export interface CallerDependencies {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly server: () => Provider;
  readonly resources: () => readonly string[];
}

/** The caller behind an access token for one of our resources, or behind an API key; null for anything else. */
export async function findCaller(
  token: string,
  { store, keyring, server, resources }: CallerDependencies,
): Promise<McpCaller | null> {
  const key = await keyring.check(token, "api");
  if (key !== null) {
    const { orgId, keyId, permissions } = key;
    const name = `api-key:${keyId}`;
    const principal = { kind: "api_key", orgId, keyId, permissions } as const;
    return {
      principal,
      clientId: name,
      clientName: name,
      scopes: [readScope.name],
      grantId: null,
      expiresAt: null,
    };
  }
  if (!/^[\w-]{20,100}$/.test(token)) return null;
  const access = await server().AccessToken.find(token);
  if (access === undefined || access.accountId === undefined || access.grantId === undefined) return null;
  const audience = [access.aud].flat();
  if (!audience.some((each) => each !== undefined && resources().includes(each))) return null;
  const [grant, member] = await Promise.all([
    server().Grant.find(access.grantId),
    memberOfAccount(store.reader, access.accountId),
  ]);
  if (grant === undefined || member === null) return null;
  const clientId = access.clientId ?? "";
  const clientName = access.extra?.[clientNameClaim];
  return {
    principal: principalOf(member),
    clientId,
    clientName: typeof clientName === "string" ? clientName : clientId,
    scopes: [...access.scopes],
    grantId: access.grantId,
    expiresAt: access.exp ?? null,
  };
}
