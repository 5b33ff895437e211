import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { systemClock } from "@flowstate/shared/clock";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { createOAuthAdapter } from "../../src/oauth/adapter.ts";
import { Provider } from "../../src/oauth/library.ts";
import type { Running } from "./running.ts";

/** A certified OpenID provider (node-oidc-provider) on this machine, over TLS, whose people sign in by themselves. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The certificate of the authority behind its own, as PEM. */
  readonly authority: string;
  /** Who sits before the browser, as claims; the subject is `sub`. Null: somebody who does not want to sign in. */
  person: Readonly<Record<string, unknown>> | null;
  /** Documents in the place of the provider's own, by path. */
  readonly instead: Map<string, unknown>;
  /** What the last authorization request asked for. */
  asked: URLSearchParams;
  /** An ID token as a provider with another key, or with none, might make it. */
  forge(claims: Readonly<Record<string, unknown>>, by?: "own" | "other" | "nobody"): string;
}

const own = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

export async function startIdentityProvider(
  { installation, address }: Running,
  authMethod: "client_secret_basic" | "client_secret_post" = "client_secret_basic",
): Promise<IdentityProvider> {
  const authority = createAuthority({ commonName: "identity provider", days: 1 });
  const { certificate, privateKey } = issueCertificate(authority, {
    commonName: "localhost",
    names: ["localhost"],
    days: 1,
  });
  setDefaultCACertificates([...getCACertificates("default"), authority.certificate]);
  const server = createServer({ cert: certificate, key: privateKey });
  server.listen(0, "localhost");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the provider has no port");
  const issuer = `https://localhost:${bound.port}`;
  const clientId = "flowstate";
  const clientSecret = randomBytes(24).toString("base64url");

  const known = new Map<string, Readonly<Record<string, unknown>>>();
  const seconds = 600;
  const provider = new Provider(issuer, {
    adapter: createOAuthAdapter(installation.store, systemClock),
    ttl: {
      AccessToken: seconds,
      AuthorizationCode: 60,
      Grant: seconds,
      IdToken: seconds,
      Interaction: seconds,
      Session: seconds,
    },
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [new URL("/sign-in/oidc/callback", address).href],
        token_endpoint_auth_method: authMethod,
        id_token_signed_response_alg: "ES256",
      },
    ],
    clientAuthMethods: [authMethod],
    jwks: { keys: [{ ...own.export({ format: "jwk" }), kid: "own", use: "sig", alg: "ES256" }] },
    cookies: { keys: [randomBytes(16).toString("hex")] },
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified", "xms_edov"],
      groups: ["groups"],
    },
    scopes: ["openid", "email", "groups"],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...known.get(id) }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  });
  const callback = provider.callback();

  const idp: IdentityProvider = {
    issuer,
    clientId,
    clientSecret,
    authority: authority.certificate,
    person: null,
    instead: new Map(),
    asked: new URLSearchParams(),
    forge(claims, by = "own") {
      const header = by === "nobody" ? { alg: "none" } : { alg: "ES256", kid: "own" };
      const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
      return `${parts.join(".")}.${by === "nobody" ? "" : signed(parts.join("."), by === "own" ? own : other)}`;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };

  const interact = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { person } = idp;
    if (person === null) {
      const refusal = { error: "access_denied", error_description: "the person went away" };
      return provider.interactionFinished(request, response, refusal);
    }
    const accountId = String(person["sub"]);
    known.set(accountId, person);
    const grant = new provider.Grant({ accountId, clientId });
    grant.addOIDCScope("openid email groups");
    const result = { login: { accountId, remember: false }, consent: { grantId: await grant.save() } };
    return provider.interactionFinished(request, response, result);
  };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", issuer);
    const document = idp.instead.get(url.pathname);
    if (url.pathname === "/auth") idp.asked = url.searchParams;
    if (document !== undefined) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(document));
    } else if (url.pathname.startsWith("/interaction/")) {
      interact(request, response).catch((error: unknown) => response.destroy(error as Error));
    } else {
      callback(request, response).catch((error: unknown) => response.destroy(error as Error));
    }
  });
  return idp;
}

function signed(text: string, key: KeyObject): string {
  return sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
}
