/** What clients and strangers may ask of the authorization server, and what the page of agreement says. */
import anyTest, { type TestFn } from "ava";
import { authorizationRequest, redirectUri, register, signedIn } from "./support/connect.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running }>;

test.before(async (t) => {
  t.context = { running: await startRunning() };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

test("discovery states what the specification demands", async ({ context: { running }, ...t }) => {
  const read = async (path: string) =>
    (await fetch(`${running.address}${path}`)).json() as Promise<Record<string, unknown>>;
  t.like(await read("/.well-known/oauth-protected-resource/mcp"), {
    resource: `${running.address}/mcp`,
    authorization_servers: [running.address],
    scopes_supported: ["ai.read"],
  });
  t.like(await read("/.well-known/oauth-authorization-server"), {
    issuer: running.address,
    code_challenge_methods_supported: ["S256"],
    client_id_metadata_document_supported: true,
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: ["none"],
    registration_endpoint: `${running.address}/oauth/register`,
  });
});

for (const [title, changes] of [
  ["another redirect", { redirect_uri: "https://evil.example/callback" }],
  ["a redirect that only begins alike", { redirect_uri: `${redirectUri}.evil.example` }],
  ["an unknown client", { client_id: "nobody" }],
] as const) {
  test(`${title} is told to nobody else`, async ({ context: { running }, ...t }) => {
    const metadata = { client_name: "c", redirect_uris: [redirectUri] };
    const { client_id: clientId } = (await (await register(running, metadata)).json()) as {
      client_id: string;
    };
    const exchange = { clientId, redirectUri, resource: `${running.address}/mcp` };
    const answer = await fetch(authorizationRequest(running, exchange, changes).url, { redirect: "manual" });
    t.is(answer.status, 400);
    t.is(answer.headers.get("location"), null);
  });
}

for (const [title, changes, error] of [
  ["no PKCE", { code_challenge: null, code_challenge_method: null }, "invalid_request"],
  ["plain PKCE", { code_challenge_method: "plain" }, "invalid_request"],
  ["another resource", { resource: "https://evil.example/mcp" }, "invalid_target"],
  ["a token in the front channel", { response_type: "token" }, "unsupported_response_type"],
] as const) {
  test(`${title} is refused with ${error}`, async ({ context: { running }, ...t }) => {
    const metadata = { client_name: "c", redirect_uris: [redirectUri] };
    const { client_id: clientId } = (await (await register(running, metadata)).json()) as {
      client_id: string;
    };
    const exchange = { clientId, redirectUri, resource: `${running.address}/mcp` };
    const { url } = authorizationRequest(running, exchange, changes);
    const back = new URL((await fetch(url, { redirect: "manual" })).headers.get("location") ?? "none:");
    t.regex(back.searchParams.get("error") ?? back.hash, new RegExp(error));
    t.is(back.searchParams.get("code"), null);
  });
}

test("the consent page names the client and where the answer goes, without script", async ({
  context: { running },
  ...t
}) => {
  const browser = await signedIn(running);
  const metadata = { client_name: "<script>alert(1)</script>", redirect_uris: ["https://evil.example/cb"] };
  const { client_id: clientId } = (await (await register(running, metadata)).json()) as { client_id: string };
  const exchange = { clientId, redirectUri: "https://evil.example/cb", resource: `${running.address}/mcp` };
  const { page } = await browser.open(authorizationRequest(running, exchange).url);
  const html = await page.text();
  t.true(html.includes("evil.example"));
  t.true(html.includes("&lt;script&gt;"));
  t.false(html.includes("<script"));
  const policy = page.headers.get("content-security-policy") ?? "";
  t.true(policy.includes("default-src 'none'") && policy.includes("form-action 'self' https://evil.example"));
  t.is(page.headers.get("x-frame-options"), "DENY");
  const refused = await browser.decide(authorizationRequest(running, exchange).url, "refuse");
  t.is(refused.searchParams.get("error"), "access_denied");
});

test("a consent form from another site counts for nothing", async ({ context: { running }, ...t }) => {
  const answer = await fetch(`${running.address}/oauth/consent/abc`, {
    method: "POST",
    headers: { origin: "https://evil.example", "content-type": "application/x-www-form-urlencoded" },
    body: "decision=allow",
  });
  t.is(answer.status, 403);
});

for (const [client, metadata] of [
  [
    "Claude",
    {
      redirect_uris: ["https://claude.ai/api/mcp/auth_callback"],
      token_endpoint_auth_method: "none",
      scope: "ai.read",
    },
  ],
  [
    "ChatGPT",
    {
      redirect_uris: ["https://chatgpt.com/connector_platform_oauth_redirect"],
      token_endpoint_auth_method: "client_secret_post",
    },
  ],
  [
    "Cursor",
    {
      redirect_uris: [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "http://localhost:8787/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
      ],
    },
  ],
  [
    "VS Code",
    {
      redirect_uris: ["https://vscode.dev/redirect", "http://127.0.0.1:33418/"],
      grant_types: ["authorization_code", "refresh_token"],
    },
  ],
] as const) {
  test(`${client} can register`, async ({ context: { running }, ...t }) => {
    const answer = await register(running, { client_name: client, response_types: ["code"], ...metadata });
    t.is(answer.status, 201, await answer.clone().text());
    const stored = (await answer.json()) as Record<string, unknown>;
    t.is(stored["token_endpoint_auth_method"], "none");
    t.is(stored["client_secret"], undefined);
    t.is(stored["scope"], undefined);
  });
}

for (const body of [
  "",
  "[]",
  "null",
  "{",
  '{"redirect_uris":["javascript:alert(1)"]}',
  '{"redirect_uris":["http://evil.example/"]}',
]) {
  test(`a registration of ${body === "" ? "nothing" : body} is refused`, async ({
    context: { running },
    ...t
  }) => {
    const answer = await fetch(`${running.address}/oauth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    t.is(answer.status, 400);
  });
}

for (const clientId of [
  "https://127.0.0.1/client.json",
  "https://[::1]/c.json",
  "https://localhost/client.json",
]) {
  test(`a client described at ${clientId} is refused`, async ({ context: { running }, ...t }) => {
    const exchange = { clientId, redirectUri, resource: `${running.address}/mcp` };
    const answer = await fetch(authorizationRequest(running, exchange).url, { redirect: "manual" });
    t.is(answer.status, 400);
    t.is(((await answer.json()) as { error: string }).error, "invalid_client");
  });
}
