/** Clients that name themselves by the address of a document (draft-ietf-oauth-client-id-metadata-document). */
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { BlockList, type AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import anyTest, { type TestFn } from "ava";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { createPublicFetch } from "../src/oauth/public-fetch.ts";
import { askToken, authorizationRequest, callUsage, redirectUri, signedIn } from "./support/connect.ts";
import { startRunning, type Running } from "./support/running.ts";

interface Document {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the document. */
  readonly text?: string;
  /** Besides the usual fields, or in their place. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

interface Site {
  readonly origin: string;
  /** What stands at each path. */
  readonly documents: Map<string, Document>;
  /** How often each was asked for. */
  readonly asked: Map<string, number>;
}

const test = anyTest as TestFn<{ running: Running; server: Server; site: Site }>;

test.before(async (t) => {
  const authority = createAuthority({ commonName: "test", days: 1 });
  const leaf = issueCertificate(authority, { commonName: "localhost", names: ["localhost"], days: 1 });
  setDefaultCACertificates([...getCACertificates("bundled"), authority.certificate]);
  const documents = new Map<string, Document>();
  const asked = new Map<string, number>();
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (request, response) => {
    const path = request.url ?? "";
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const { status = 200, headers = {}, text, fields } = documents.get(path) ?? { status: 404, text: "" };
    const clientId = `${t.context.site.origin}${path}`;
    const usual = { client_id: clientId, client_name: "Documented", redirect_uris: [redirectUri] };
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(text ?? JSON.stringify({ ...usual, ...fields }));
  });
  await once(server.listen(0, "localhost"), "listening");
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  const running = await startRunning({ fetchDocument: createPublicFetch(loopback) });
  t.context = { running, server, site: { origin, documents, asked } };
});

test.after.always(async ({ context }) => {
  await context.running?.[Symbol.asyncDispose]();
  context.server?.closeAllConnections();
  context.server?.close();
});

function requestOf({ running, site }: { running: Running; site: Site }, path: string) {
  const exchange = {
    clientId: `${site.origin}${path}`,
    redirectUri,
    resource: `${running.address}/mcp`,
  };
  const { url, verifier } = authorizationRequest(running, exchange);
  const grant = {
    grant_type: "authorization_code",
    client_id: exchange.clientId,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  };
  return { url, grant };
}

for (const [title, fields] of [
  ["a public client", { token_endpoint_auth_method: "none" }],
  [
    "one that could prove itself by a key",
    { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [] } },
  ],
  ["one that names a scope", { scope: "something.else" }],
  [
    "one that is also called back by a scheme of its own",
    { redirect_uris: [redirectUri, "cursor://x/callback"] },
  ],
] as const) {
  test(`a document of ${title} is as good as a registration`, async ({ context, ...t }) => {
    const { running, site } = context;
    const path = `/${title.replaceAll(" ", "-")}.json`;
    site.documents.set(path, { fields });
    const { url, grant } = requestOf(context, path);
    const browser = await signedIn(running);
    const html = await (await browser.open(url)).page.text();
    t.true(html.includes("Connect Documented?") && html.includes(`described by <code>${site.origin}${path}`));
    const code = (await browser.decide(url)).searchParams.get("code") ?? "";
    const { body } = await askToken(running, { ...grant, code });
    t.is(site.asked.get(path), 1, "it is kept for half a minute, or as long as its headers say");
    t.is((await callUsage(running, String(body["access_token"]))).status, 200);
  });
}

for (const [title, document] of [
  ["is not there", { status: 404, text: "" }],
  ["stands elsewhere", { status: 302, headers: { location: "/there.json" } }],
  ["is no JSON", { text: "<html>" }],
  ["is a list", { text: "[]" }],
  ["describes another client", { fields: { client_id: "https://localhost/other.json" } }],
  ["names no redirect", { fields: { redirect_uris: [] } }],
  ["names another redirect", { fields: { redirect_uris: ["https://evil.example/callback"] } }],
  ["would run script", { fields: { redirect_uris: ["javascript:alert(1)"] } }],
  ["is larger than a description needs", { fields: { client_name: "x".repeat(200_000) } }],
] as const) {
  test(`a client whose document ${title} is refused`, async ({ context, ...t }) => {
    const path = `/refused-${title.replaceAll(" ", "-")}.json`;
    context.site.documents.set(path, document);
    const answer = await fetch(requestOf(context, path).url, { redirect: "manual" });
    t.is(answer.status, 400);
    t.is(answer.headers.get("location"), null);
  });
}
