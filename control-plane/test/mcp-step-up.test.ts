/** What a tool needs beyond reading is asked for when it is called, by the tool's own challenge. */
import anyTest, { type TestFn } from "ava";
import { askToken, authorizationRequest, register, signedIn } from "./support/connect.ts";
import { connectNew, connectOld } from "./support/mcp-assistant.ts";
import { createFixtureSurface, wideScope } from "./support/mcp-fixtures.ts";
import { readScope } from "../src/oauth/scopes.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; address: URL }>;
const bothScopes = `ai.read ${wideScope.name}`;

test.before(async (t) => {
  const running = await startRunning({ createMcp: () => createFixtureSurface("stateless") });
  t.context = { running, address: new URL("/mcp", running.address) };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

for (const [revision, connect] of [
  ["2025-11-25", connectOld],
  ["2026-07-28", connectNew],
] as const) {
  test(`the official client of ${revision} signs in, is challenged, steps up and goes on`, async ({
    context: { running, address },
    ...t
  }) => {
    await using assistant = await connect(address, await signedIn(running));
    t.is(assistant.revision(), revision);
    const asked = () => assistant.requests.map(({ searchParams }) => searchParams.get("scope"));
    await assistant.call("test_simple_text", {});
    t.deepEqual(asked(), ["ai.read"]);
    for (const value of ["changed", "changed again"]) {
      const { content } = await assistant.call("test_wider_scope", { value });
      t.deepEqual(content, [{ type: "text", text: `${value} with ${bothScopes}` }]);
      t.deepEqual(asked(), ["ai.read", bothScopes]);
    }
  });

  test(`the official client of ${revision} gets nothing when the person refuses the wider scope`, async ({
    context: { running, address },
    ...t
  }) => {
    const browser = await signedIn(running);
    const decisions = ["allow", "refuse"] as const;
    let asked = 0;
    const wary = { ...browser, decide: (url: URL) => browser.decide(url, decisions[asked++]) };
    await using assistant = await connect(address, wary);
    await t.throwsAsync(assistant.call("test_wider_scope", { value: "changed" }));
    t.is(asked, 2);
    const { content } = await assistant.call("test_simple_text", {});
    t.deepEqual(content, [{ type: "text", text: "This is a simple text response for testing." }]);
  });
}

test("the challenge names every scope of the call, and where to ask", async ({
  context: { running, address },
  ...t
}) => {
  const answer = await fetch(address, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await running.apiKey("AI_INSIGHTS_VIEW")}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "test_wider_scope", arguments: { value: "changed" } },
    }),
  });
  t.is(answer.status, 403);
  const challenge = answer.headers.get("www-authenticate") ?? "";
  for (const part of [
    'error="insufficient_scope"',
    `scope="${bothScopes}"`,
    `resource_metadata="${running.address}/.well-known/oauth-protected-resource/mcp"`,
  ]) {
    t.true(challenge.includes(part), challenge);
  }
});

for (const [asked, named, granted] of [
  ["ai.read", [readScope], "ai.read"],
  [bothScopes, [readScope, wideScope], bothScopes],
  ["ai.read owner.everything", [readScope], "ai.read"],
] as const) {
  test(`the consent page names what "${asked}" allows, and no more is granted`, async ({
    context: { running, address },
    ...t
  }) => {
    const redirectUri = "http://127.0.0.1:9/callback";
    const answer = await register(running, { client_name: "c", redirect_uris: [redirectUri] });
    const { client_id: clientId } = (await answer.json()) as { client_id: string };
    const exchange = { clientId, redirectUri, resource: address.href };
    const { url, verifier } = authorizationRequest(running, exchange, { scope: asked });
    const browser = await signedIn(running);
    const html = await (await browser.open(url)).page.text();
    t.deepEqual(
      [readScope, wideScope].filter(({ allows }) => html.includes(`<li>${allows}</li>`)),
      [...named],
    );
    const code = (await browser.decide(url)).searchParams.get("code") ?? "";
    const grant = { grant_type: "authorization_code", client_id: clientId, redirect_uri: redirectUri };
    const { body } = await askToken(running, { ...grant, code, code_verifier: verifier });
    t.is(body["scope"], granted);
  });
}
