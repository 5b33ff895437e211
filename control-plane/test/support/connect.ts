import { createHash, randomBytes } from "node:crypto";
import { addMember, type Member } from "../../src/members/members.ts";
import type { Role } from "../../src/access/roles.ts";
import { startLogin } from "../../src/login/logins.ts";
import type { Running } from "./running.ts";

/** A person signed in with a browser, as far as a page without script needs one. */
export interface Browser {
  readonly member: Member;
  /** Follows an authorization request through consent to the redirect that the client would receive. */
  decide(url: URL, decision?: "allow" | "refuse"): Promise<URL>;
  /** The consent page itself. */
  open(url: URL): Promise<{ readonly page: Response; readonly address: URL }>;
}

export async function signedIn(running: Running, role: Role = "viewer"): Promise<Browser> {
  const { store } = running.installation;
  const email = `${randomBytes(4).toString("hex")}@example.com`;
  const member = await store.transact((db) => addMember(db, running.context, { email, role }));
  const secret = await store.transact((db) => startLogin(db, member, "password", Date.now()));
  const jar = new Map([["flowstate", secret.reveal()]]);
  const visit = async (url: URL, form: URLSearchParams | null = null): Promise<Response> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = form === null ? {} : { method: "POST", body: form };
    const headers = form === null ? { cookie } : { cookie, origin: running.address };
    const answer = await fetch(url, { ...sent, redirect: "manual", headers });
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
      if (value === "") jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };
  const follow = async (url: URL): Promise<{ page: Response; address: URL }> => {
    const page = await visit(url);
    const location = page.headers.get("location");
    if (location === null) return { page, address: url };
    const next = new URL(location, url);
    return next.origin === new URL(running.address).origin ? follow(next) : { page, address: next };
  };
  return {
    member,
    open: follow,
    async decide(url, decision = "allow") {
      const { page, address } = await follow(url);
      if (!address.pathname.startsWith("/oauth/consent/")) return address;
      await page.text();
      const answer = await visit(address, new URLSearchParams({ decision }));
      return (await follow(new URL(answer.headers.get("location") ?? "", address))).address;
    },
  };
}

/** What a client registers. */
export async function register(
  running: Running,
  metadata: Readonly<Record<string, unknown>>,
): Promise<Response> {
  return fetch(`${running.address}/oauth/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(metadata),
  });
}

export interface Exchange {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly resource: string;
}

/** An authorization request with PKCE, and its verifier. */
export function authorizationRequest(
  running: Running,
  { clientId, redirectUri, resource }: Exchange,
  changes: Readonly<Record<string, string | null>> = {},
): { readonly url: URL; readonly verifier: string } {
  const verifier = randomBytes(32).toString("base64url");
  const url = new URL("/oauth/authorize", running.address);
  const query: Record<string, string | null> = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    resource,
    state: "xyz",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  };
  for (const [name, value] of Object.entries(query)) if (value !== null) url.searchParams.set(name, value);
  return { url, verifier };
}

export async function askToken(
  running: Running,
  fields: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const answer = await fetch(`${running.address}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Where a client of `authorize` is called back. */
export const redirectUri = "http://127.0.0.1:9/callback";

/** Registers a client and agrees to it. Returns what its token request takes. */
export async function authorize(running: Running, browser: Browser) {
  const metadata = { client_name: "Test client", redirect_uris: [redirectUri] };
  const { client_id: clientId } = (await (await register(running, metadata)).json()) as { client_id: string };
  const resource = `${running.address}/mcp`;
  const { url, verifier } = authorizationRequest(running, { clientId, redirectUri, resource });
  return {
    grant_type: "authorization_code",
    client_id: clientId,
    redirect_uri: redirectUri,
    resource,
    code: (await browser.decide(url)).searchParams.get("code") ?? "",
    code_verifier: verifier,
  };
}

export interface Tokens {
  readonly clientId: string;
  readonly access: string;
  readonly refresh: string;
  readonly expiresInSeconds: unknown;
}

/** The tokens of a client that a person has agreed to. */
export async function connect(running: Running, browser: Browser): Promise<Tokens> {
  const grant = await authorize(running, browser);
  const { body } = await askToken(running, grant);
  return {
    clientId: grant.client_id,
    access: String(body["access_token"]),
    refresh: String(body["refresh_token"]),
    expiresInSeconds: body["expires_in"],
  };
}

export interface UsageCall {
  readonly path?: string;
  readonly tool?: string;
  readonly args?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls a usage tool as a client of 2025-11-25 without a session does. */
export async function callUsage(
  running: Running,
  token: string,
  { path = "/mcp", tool = "get_ai_usage_summary", args = {}, headers = {} }: UsageCall = {},
): Promise<Response> {
  return fetch(`${running.address}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: tool, arguments: args },
    }),
  });
}
