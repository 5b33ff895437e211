import { generateKeyPairSync, hkdfSync } from "node:crypto";
import { Provider, errors } from "./library.ts";
import type { Clock } from "@flowstate/shared/clock";
import type { Store } from "../store/open.ts";
import { findAccount } from "./account.ts";
import { createOAuthAdapter } from "./adapter.ts";
import { normaliseRegistration } from "./registration.ts";
import { createRevocationPolicy } from "./revocation.ts";
import type { Scope } from "./scopes.ts";

/** Of an access token: what its client calls itself, so that nobody has to be asked for each call that it makes. */
export const clientNameClaim = "client_name";

export const tokenLifetime = { accessSeconds: 3600, refreshSeconds: 30 * 86_400 } as const;

export interface OAuthServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly pepper: Buffer;
  readonly publicUrl: URL;
  /** What tokens are for, the default first (RFC 8707). */
  readonly resources: readonly [string, ...string[]];
  readonly scopes: readonly Scope[];
  /** Asks clients that name themselves by an address for their metadata document. */
  readonly fetchDocument: typeof fetch;
}

/** The authorization server (OAuth 2.1): code with PKCE, public clients alone, rotated refresh tokens. */
export function createOAuthServer({
  store,
  clock,
  pepper,
  publicUrl,
  resources,
  scopes,
  fetchDocument,
}: OAuthServerOptions): Provider {
  const scopeNames = scopes.map(({ name }) => name);
  const secure = publicUrl.protocol === "https:";
  const cookie = { httpOnly: true, sameSite: "lax" as const, signed: true, secure };
  const provider = new Provider(publicUrl.origin, {
    adapter: createOAuthAdapter(store, clock),
    fetch: asRegistration(fetchDocument),
    // No ID token is ever issued, so this key signs nothing; without one the library brings its own.
    jwks: {
      keys: [{ ...generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }) }],
    },
    cookies: {
      keys: [
        Buffer.from(hkdfSync("sha256", pepper, "", "flowstate/oauth-cookies/v1", 32)).toString("base64url"),
      ],
      long: cookie,
      short: cookie,
      names: { session: "flowstate_oauth", interaction: "flowstate_consent", resume: "flowstate_resume" },
    },
    clientAuthMethods: ["none"],
    // Pages of other sites reach neither this nor what it is for.
    clientBasedCORS: () => false,
    clientDefaults: {
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "ES256",
    },
    responseTypes: ["code"],
    scopes: scopeNames,
    claims: {},
    pkce: { required: () => true },
    findAccount: (_, accountId) => findAccount(store.reader, accountId),
    routes: {
      authorization: "/oauth/authorize",
      token: "/oauth/token",
      registration: "/oauth/register",
      revocation: "/oauth/revoke",
      jwks: "/oauth/jwks",
    },
    interactions: { url: (_, { uid }) => `/oauth/consent/${uid}` },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      clientIdMetadataDocument: { enabled: true, ack: "draft-02" },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resources[0],
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource) => {
          if (!resources.includes(resource)) throw new errors.InvalidTarget();
          return {
            scope: scopeNames.join(" "),
            audience: resource,
            accessTokenTTL: tokenLifetime.accessSeconds,
            accessTokenFormat: "opaque",
          };
        },
      },
    },
    // What a person agreed to holds until its own end, not until that of the visit in which they did.
    expiresWithSession: async () => false,
    extraTokenClaims: ({ oidc }) => ({ [clientNameClaim]: oidc.client?.clientName }),
    issueRefreshToken: async (_, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    revokeGrantPolicy: createRevocationPolicy(store, clock),
    ttl: {
      AccessToken: tokenLifetime.accessSeconds,
      RefreshToken: tokenLifetime.refreshSeconds,
      Grant: tokenLifetime.refreshSeconds,
      AuthorizationCode: 60,
      Interaction: 900,
      Session: 900,
    },
    renderError: (ctx, out) => {
      ctx.type = "application/json";
      ctx.body = out;
    },
  });
  // The forwarding headers are set by us, from the address that people use.
  provider.proxy = true;
  return provider;
}

/** A client's metadata document, taken as a registration with the same content is. */
function asRegistration(get: typeof fetch): typeof fetch {
  return async (input, init) => {
    const answer = await get(input, init);
    if (answer.status !== 200) return answer;
    const document: unknown = await answer.json();
    const { headers } = answer;
    return Response.json(normaliseRegistration(document), {
      headers: { "cache-control": headers.get("cache-control") ?? "no-cache" },
    });
  };
}
