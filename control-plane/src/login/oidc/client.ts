import { hash } from "node:crypto";
import * as openid from "openid-client";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError, reasonOf, systemCode } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import { hourMs } from "@flowstate/shared/time";
import { readPerson, type Person } from "./person.ts";
import type { OidcSettings } from "./settings.ts";

type Named = Pick<OidcSettings, "issuer" | "clientId" | "groupClaim">;

/** The values by which an answer is known to belong to what this browser asked. */
export interface Ties {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly verifier: string;
}

export type Identified =
  | { readonly kind: "identified"; readonly person: Person }
  /** In the provider's words or the library's; holds no token. */
  | { readonly kind: "failed"; readonly detail: string };

/** What we ask identity providers, as a relying party (OpenID Connect Core 1.0, authorization code flow). */
export interface OidcClient {
  /** Reads the provider's metadata. Throws FS_UPSTREAM with what is wrong with it. */
  prove(settings: Named): Promise<void>;
  /** Where the browser goes to sign in. Throws FS_UPSTREAM. */
  authorizationUrl(settings: Named, ties: Ties): Promise<URL>;
  /** Who came back, by the address at which they did. */
  identify(settings: Named, secret: Secret, callback: URL, ties: Ties): Promise<Identified>;
}

/** A provider that does not answer is asked again soon, but not once for each visitor. */
const lifetime = { metadataMs: hourMs, failureMs: 10_000 } as const;
const timeoutSeconds = 10;

interface Known {
  readonly metadata: openid.ServerMetadata;
  /** Signing keys, which the library reads again when a token names one that it does not know. */
  keys: openid.ExportedJWKSCache | null;
}

interface Read {
  readonly known: Promise<Known>;
  endsAt: number;
}

/** Every request goes through `fetch`, which says where one may go. */
export function createOidcClient(fetch: typeof globalThis.fetch, clock: Clock): OidcClient {
  const reads = new Map<string, Read>();

  const read = ({ issuer, clientId }: Named): Promise<Known> => {
    const known = readMetadata(issuer, clientId, fetch).then((metadata) => ({ metadata, keys: null }));
    const entry = { known, endsAt: clock.now() + lifetime.metadataMs };
    reads.set(issuer, entry);
    known.catch(() => (entry.endsAt = clock.now() + lifetime.failureMs));
    return known;
  };
  const discover = async (settings: Named): Promise<Known> => {
    const before = reads.get(settings.issuer);
    return before !== undefined && before.endsAt > clock.now() ? before.known : read(settings);
  };

  const configure = ({ metadata, keys }: Known, { clientId }: Named, secret: Secret | null) => {
    const auth = secret === null ? openid.None() : clientAuth(secret);
    const config = new openid.Configuration(metadata, clientId, undefined, auth);
    config[openid.customFetch] = fetchOf(fetch);
    config.timeout = timeoutSeconds;
    openid.enableNonRepudiationChecks(config);
    if (keys !== null) openid.setJwksCache(config, keys);
    return config;
  };

  return {
    prove: async (settings) => void (await read(settings)),
    async authorizationUrl(settings, { redirectUri, state, nonce, verifier }) {
      const found = await discover(settings);
      const { metadata } = found;
      const groups = settings.groupClaim !== null && metadata.scopes_supported?.includes("groups") === true;
      return openid.buildAuthorizationUrl(configure(found, settings, null), {
        redirect_uri: redirectUri,
        scope: groups ? "openid email groups" : "openid email",
        state,
        nonce,
        code_challenge: hash("sha256", verifier, "base64url"),
        code_challenge_method: "S256",
      });
    },
    async identify(settings, secret, callback, { state, nonce, verifier }) {
      try {
        const found = await discover(settings);
        const config = configure(found, settings, secret);
        const tokens = await openid.authorizationCodeGrant(config, callback, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        found.keys = openid.getJwksCache(config) ?? null;
        const person = await describe(config, tokens, settings.groupClaim);
        return person === null
          ? { kind: "failed", detail: "the ID token names nobody" }
          : { kind: "identified", person };
      } catch (error) {
        return { kind: "failed", detail: wordsOf(error) };
      }
    },
  };
}

/** Many providers put what is asked for into the ID token; others keep it for the userinfo endpoint. */
async function describe(
  config: openid.Configuration,
  tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  groupClaim: string | null,
): Promise<Person | null> {
  const claims = tokens.claims();
  if (claims === undefined) return null;
  const person = readPerson(claims, null, groupClaim);
  const whole = person?.email != null && (groupClaim === null || claims[groupClaim] !== undefined);
  if (whole || config.serverMetadata().userinfo_endpoint === undefined) return person;
  return readPerson(claims, await openid.fetchUserInfo(config, tokens.access_token, claims.sub), groupClaim);
}

async function readMetadata(
  issuer: string,
  clientId: string,
  fetch: typeof globalThis.fetch,
): Promise<openid.ServerMetadata> {
  const metadata = await discovered(issuer, clientId, fetch);
  // The library lets Entra ID's shared endpoints through, behind which every tenant there is may speak.
  if (metadata.issuer !== issuer) {
    throw new FlowstateError(
      "FS_UPSTREAM",
      `${issuer} calls itself "${metadata.issuer.slice(0, 200)}"; set the issuer that it states`,
    );
  }
  const missing = (["authorization_endpoint", "token_endpoint", "jwks_uri"] as const).find(
    (name) => !isHttps(metadata[name]),
  );
  if (missing === undefined) return metadata;
  throw new FlowstateError("FS_UPSTREAM", `${issuer} states no https:// ${missing}`);
}

async function discovered(
  issuer: string,
  clientId: string,
  fetch: typeof globalThis.fetch,
): Promise<openid.ServerMetadata> {
  try {
    const options = { [openid.customFetch]: fetchOf(fetch), timeout: timeoutSeconds };
    const config = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), options);
    return config.serverMetadata();
  } catch (error) {
    const detail = `the metadata of ${issuer} cannot be used: ${wordsOf(error)}`;
    throw new FlowstateError("FS_UPSTREAM", detail);
  }
}

function isHttps(address: string | undefined): boolean {
  return address !== undefined && URL.canParse(address) && new URL(address).protocol === "https:";
}

/** By Basic unless the provider takes the secret in the form alone (OpenID Connect Discovery 1.0, section 3). */
function clientAuth(secret: Secret): openid.ClientAuth {
  return (server, client, body, headers) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    const make = methods.includes("client_secret_basic") ? openid.ClientSecretBasic : openid.ClientSecretPost;
    make(secret.reveal())(server, client, body, headers);
  };
}

function fetchOf(fetch: typeof globalThis.fetch): openid.CustomFetch {
  return (url, { method, headers, body, signal }) =>
    fetch(url, {
      method,
      headers,
      ...(body instanceof URLSearchParams ? { body } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
}

/** What went wrong in fixed sentences; the causes that are no errors hold tokens and claims, and stay out. */
function wordsOf(error: unknown): string {
  if (error instanceof openid.AuthorizationResponseError || error instanceof openid.ResponseBodyError) {
    return [error.error, error.error_description].filter(Boolean).join(": ").slice(0, 300);
  }
  if (error instanceof FlowstateError) return error.message;
  const code = systemCode(error);
  return (code === null ? reasonOf(error) : `${reasonOf(error)} (${code})`).slice(0, 300);
}
