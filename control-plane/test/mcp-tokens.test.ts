/** What codes and tokens are good for, and how long. */
import anyTest, { type TestFn } from "ava";
import { systemClock } from "@flowstate/shared/clock";
import { readAudit } from "../src/audit/record.ts";
import { removeMember } from "../src/members/members.ts";
import { listApplications } from "../src/oauth/applications.ts";
import { tokenLifetime } from "../src/oauth/server.ts";
import {
  askToken,
  authorizationRequest,
  authorize,
  callUsage,
  connect,
  redirectUri,
  register,
  signedIn,
  type Browser,
} from "./support/connect.ts";
import { signedInAs, type SignedIn } from "./support/as-member.ts";
import { testOnBothEngines, type OpenedStore } from "./support/both-engines.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running }>;

test.before(async (t) => {
  t.context = { running: await startRunning() };
});
test.after.always(({ context }) => context.running[Symbol.asyncDispose]());

interface Ahead extends AsyncDisposable {
  readonly running: Running;
  readonly pass: (seconds: number) => void;
}

/** A control plane for which time passes when told to. */
async function startAhead({ address }: OpenedStore): Promise<Ahead> {
  let aheadMs = 0;
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  const running = await startRunning({ clock, store: address, orgSlug: "acme" });
  return {
    running,
    pass: (seconds) => void (aheadMs += seconds * 1000),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

testOnBothEngines(
  "an access token is good for an hour, and a refresh token gives another",
  async (t, opened) => {
    await using ahead = await startAhead(opened);
    const { running, pass } = ahead;
    const { access, refresh, clientId, expiresInSeconds } = await connect(running, await signedIn(running));
    t.is(expiresInSeconds, tokenLifetime.accessSeconds);
    pass(tokenLifetime.accessSeconds - 60);
    t.is((await callUsage(running, access)).status, 200);
    pass(60);
    t.is((await callUsage(running, access)).status, 401);
    const renewal = { grant_type: "refresh_token", client_id: clientId, refresh_token: refresh };
    const { status, body } = await askToken(running, renewal);
    t.is(status, 200);
    t.is((await callUsage(running, String(body["access_token"]))).status, 200);
  },
);

testOnBothEngines(
  "a refresh token is rotated, and one used again later ends the grant",
  async (t, opened) => {
    await using ahead = await startAhead(opened);
    const { running, pass } = ahead;
    const first = await connect(running, await signedIn(running));
    const renew = (token: string) =>
      askToken(running, { grant_type: "refresh_token", client_id: first.clientId, refresh_token: token });
    const { status, body } = await renew(first.refresh);
    t.is(status, 200);
    t.not(body["refresh_token"], first.refresh);
    pass(120);
    t.is((await callUsage(running, String(body["access_token"]))).status, 200);
    t.is((await renew(first.refresh)).status, 400);
    t.is((await renew(String(body["refresh_token"]))).status, 400);
    t.is((await callUsage(running, String(body["access_token"]))).status, 401);
  },
);

testOnBothEngines(
  "a client that nobody agrees to within a day is forgotten, and no other",
  async (t, opened) => {
    await using ahead = await startAhead(opened);
    const { running, pass } = ahead;
    const browser = await signedIn(running);
    const agreed = await authorize(running, browser);
    const answer = await register(running, { client_name: "c", redirect_uris: [redirectUri] });
    const { client_id: clientId } = (await answer.json()) as { client_id: string };
    const ask = (client: string) => {
      const exchange = { clientId: client, redirectUri, resource: `${running.address}/mcp` };
      return fetch(authorizationRequest(running, exchange).url, { redirect: "manual" });
    };
    t.is((await ask(clientId)).status, 303);
    pass(86_400);
    const refused = await ask(clientId);
    t.is(refused.status, 400);
    t.is(((await refused.json()) as { error: string }).error, "invalid_client");
    t.is((await ask(agreed.client_id)).status, 303);
  },
);

testOnBothEngines("one address registers at most sixty clients a minute", async (t, opened) => {
  await using ahead = await startAhead(opened);
  const { running, pass } = ahead;
  const metadata = { client_name: "c", redirect_uris: [redirectUri] };
  const statuses = new Map<number, number>();
  for (let index = 0; index < 61; index += 1) {
    const { status } = await register(running, metadata);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  t.deepEqual(
    [...statuses],
    [
      [201, 60],
      [429, 1],
    ],
  );
  pass(60);
  t.is((await register(running, metadata)).status, 201);
});

for (const [title, changed] of [
  ["another verifier", { code_verifier: "x".repeat(43) }],
  ["another redirect", { redirect_uri: "http://127.0.0.1:9/elsewhere" }],
  ["another resource", { resource: "https://evil.example/mcp" }],
  ["no verifier", { code_verifier: "" }],
] as const) {
  test(`a code gives nothing to a request with ${title}`, async ({ context: { running }, ...t }) => {
    const grant = await authorize(running, await signedIn(running));
    const { status, body } = await askToken(running, { ...grant, ...changed });
    t.is(status, 400);
    t.is(body["access_token"], undefined);
  });
}

test("a code gives nothing to another client", async ({ context: { running }, ...t }) => {
  const [own, other] = [
    await authorize(running, await signedIn(running)),
    await authorize(running, await signedIn(running)),
  ];
  t.is((await askToken(running, { ...own, client_id: other.client_id })).status, 400);
});

test("a code used again ends what it gave", async ({ context: { running }, ...t }) => {
  const browser = await signedIn(running);
  const grant = await authorize(running, browser);
  const { body } = await askToken(running, grant);
  t.is((await callUsage(running, String(body["access_token"]))).status, 200);
  t.is((await askToken(running, grant)).status, 400);
  t.is((await callUsage(running, String(body["access_token"]))).status, 401);
  t.deepEqual(await disconnections(running, browser), [
    `Test client: a spent code of ${browser.member.email} was presented again`,
  ]);
});

for (const given of ["access", "refresh"] as const) {
  test(`a client that gives back its ${given} token has neither any more, and no other client has less`, async ({
    context: { running },
    ...t
  }) => {
    const browser = await signedIn(running);
    const [own, other] = [await connect(running, browser), await connect(running, browser)];
    const giveBack = (clientId: string) =>
      fetch(`${running.address}/oauth/revoke`, {
        method: "POST",
        body: new URLSearchParams({ client_id: clientId, token: own[given] }),
      });
    t.is((await giveBack(other.clientId)).status, 200);
    t.is((await callUsage(running, own.access)).status, 200);
    t.is((await giveBack(own.clientId)).status, 200);
    t.is((await callUsage(running, own.access)).status, 401);
    const renewal = { grant_type: "refresh_token", client_id: own.clientId, refresh_token: own.refresh };
    t.is((await askToken(running, renewal)).status, 400);
    t.is((await callUsage(running, other.access)).status, 200);
    t.deepEqual(await disconnections(running, browser), []);
  });
}

testOnBothEngines("people see what they have connected, and disconnect it at once", async (t, opened) => {
  await using ahead = await startAhead(opened);
  const { running, pass } = ahead;
  const [browser, other] = [await signedIn(running), await signedIn(running)];
  const person = await signedInAs(running, browser.member);
  const list = async ({ graphql }: SignedIn) =>
    (await graphql("{ myApplications { id name scopes connectedAt lastUsedAt expiresAt } }")).data[
      "myApplications"
    ] as readonly Readonly<Record<string, string | null>>[];
  const disconnect = async ({ graphql }: SignedIn, id: string) =>
    (await graphql("mutation ($id: ID!) { disconnectMyApplication(id: $id) }", { id })).data[
      "disconnectMyApplication"
    ];
  t.deepEqual(await list(person), []);
  const tokens = await connect(running, browser);
  const kept = await connect(running, browser);
  await connect(running, other);
  const [application, ...more] = (await list(person)).filter(({ id }) => id === tokens.clientId);
  t.deepEqual(more, []);
  t.like(application, { name: "Test client", scopes: ["ai.read"], lastUsedAt: null });
  const [from = 0, until = 0] = ["connectedAt", "expiresAt"].map((name) =>
    Math.floor(Date.parse(application?.[name] ?? "") / 1000),
  );
  t.is(until - from, tokenLifetime.refreshSeconds);
  const used = async () =>
    (await list(person)).find(({ id }) => id === tokens.clientId)?.["lastUsedAt"] ?? "";
  await callUsage(running, tokens.access);
  const first = await used();
  t.true(Date.parse(first) > 0);
  await callUsage(running, tokens.access);
  t.is(await used(), first, "to the minute");
  pass(60);
  await callUsage(running, tokens.access);
  t.true((await used()) > first);

  const stranger = await signedInAs(running, other.member);
  t.is((await list(stranger)).length, 1);
  t.false(await disconnect(stranger, tokens.clientId), "not one's own");
  t.is((await callUsage(running, tokens.access)).status, 200);
  t.true(await disconnect(person, tokens.clientId));
  t.false(await disconnect(person, tokens.clientId));
  t.is((await callUsage(running, tokens.access)).status, 401);
  const renewal = { grant_type: "refresh_token", client_id: tokens.clientId, refresh_token: tokens.refresh };
  t.is((await askToken(running, renewal)).status, 400);
  t.is((await callUsage(running, kept.access)).status, 200);
  t.deepEqual(
    (await list(person)).map(({ id }) => id),
    [kept.clientId],
  );
  t.deepEqual(await disconnections(running, browser), [`Test client: by ${browser.member.email}`]);
  const afterwards = Date.now() + 2 * tokenLifetime.refreshSeconds * 1000;
  t.deepEqual(await listApplications(running.installation.store.reader, browser.member, afterwards), []);
});

test("a token for another resource opens nothing", async ({ context: { running }, ...t }) => {
  const { access, clientId } = await connect(running, await signedIn(running));
  const changed = await running.installation.store.transact(async (db) => {
    const tokens = db.selectFrom("oauth_records").selectAll().where("model", "=", "AccessToken");
    const row = (await tokens.execute()).find(({ payload }) => payload.includes(clientId));
    const payload = JSON.stringify({ ...JSON.parse(row?.payload ?? ""), aud: "https://evil.example/mcp" });
    const change = db.updateTable("oauth_records").set({ payload });
    return change.where("id_hash", "=", row?.id_hash ?? "").executeTakeFirstOrThrow();
  });
  t.is(changed.numUpdatedRows, 1n);
  t.is((await callUsage(running, access)).status, 401);
});

test("neither a code nor a refresh token opens anything itself", async ({ context: { running }, ...t }) => {
  const { code } = await authorize(running, await signedIn(running));
  const { refresh } = await connect(running, await signedIn(running));
  for (const secret of [code, refresh]) t.is((await callUsage(running, secret)).status, 401);
});

test("no secret of a client stands in the database", async ({ context: { running }, ...t }) => {
  const { code } = await authorize(running, await signedIn(running));
  const { access, refresh } = await connect(running, await signedIn(running));
  const rows = await running.installation.store.reader.selectFrom("oauth_records").selectAll().execute();
  const text = JSON.stringify(rows, (_, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
  for (const secret of [code, access, refresh]) t.false(text.includes(secret), secret);
});

test("who leaves, or may not, asks no more", async ({ context: { running }, ...t }) => {
  const browser = await signedIn(running);
  const { access } = await connect(running, browser);
  const { store } = running.installation;
  await store.transact((db) => removeMember(db, running.context, browser.member.memberId));
  t.is((await callUsage(running, access)).status, 401);
  const answer = await (await callUsage(running, await running.apiKey("AUDIT_VIEW"))).text();
  t.true(answer.includes("this needs the permission AI_INSIGHTS_VIEW"));
});

/** What the audit log tells of one person's clients that were cut off. */
async function disconnections(
  { installation, context }: Running,
  { member }: Browser,
): Promise<readonly string[]> {
  const entries = await readAudit(installation.store.reader, context.orgId, { newest: 100 });
  return entries
    .filter(({ action, detail }) => action === "oauth_client.disconnected" && detail?.includes(member.email))
    .map(({ target, detail }) => `${target}: ${detail}`);
}
