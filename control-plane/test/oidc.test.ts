/** Signing in at an identity provider: a certified one over TLS, what it must not get away with, and who is let in. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import type { Page } from "playwright-core";
import type { OrgId } from "@flowstate/shared/ids";
import { Secret } from "@flowstate/shared/secret";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { readAudit } from "../src/audit/record.ts";
import { setPassword, createSignInLink } from "../src/login/logins.ts";
import { admitPerson } from "../src/login/oidc/admit.ts";
import { createOidcClient } from "../src/login/oidc/client.ts";
import { readPerson, roleOf, type Person } from "../src/login/oidc/person.ts";
import {
  requireOidcSettings,
  storeOidcSettings,
  type GivenRole,
  type OidcSettings,
} from "../src/login/oidc/settings.ts";
import { addMember, findMemberByEmail, listMembers } from "../src/members/members.ts";
import { foundOrg } from "../src/orgs/orgs.ts";
import { proveMasterKey } from "../src/secrets/canary.ts";
import { deriveKeys } from "../src/secrets/master-key.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { launchBrowser } from "./support/browser.ts";
import { startIdentityProvider, type IdentityProvider } from "./support/identity-provider.ts";
import { newMasterKey, startRunning, type GraphqlAnswer, type Running } from "./support/running.ts";
import { control } from "./support/program.ts";
import { newTraveller, type Arrival, type Traveller } from "./support/traveller.ts";

interface Context {
  readonly running: Running;
  readonly idp: IdentityProvider;
  readonly clock: { aheadMs: number };
  readonly owner: string;
}

const test = anyTest as TestFn<Context>;
const email = "owner@example.com";
const password = "a long enough password";
const networks = "127.0.0.0/8,::1";

test.before(async (t) => {
  const ahead = { aheadMs: 0 };
  const clock: Clock = { ...systemClock, now: () => Date.now() + ahead.aheadMs };
  const env = {
    FLOWSTATE_ADMIN_EMAIL: email,
    FLOWSTATE_ADMIN_PASSWORD: password,
    FLOWSTATE_OIDC_NETWORKS: networks,
  };
  const running = await startRunning({ env, clock });
  const idp = await startIdentityProvider(running);
  t.context = { running, idp, clock: ahead, owner: await running.apiKey("MEMBERS_UPDATE") };
});

test.beforeEach(async ({ context }) => {
  context.clock.aheadMs = 0;
  context.idp.instead.clear();
  context.idp.person = { sub: "p-1", email: "ann@example.com", email_verified: true };
});

test.after.always(async ({ context }) => {
  await context.idp?.[Symbol.asyncDispose]();
  await context.running?.[Symbol.asyncDispose]();
});

const setting = `mutation ($issuer: String!, $clientId: String!, $secret: String, $domains: [String!]!, $role: Role,
  $claim: String, $groups: [OidcGroupRoleInput!], $only: Boolean) {
  setOidcSettings(issuer: $issuer, clientId: $clientId, clientSecret: $secret, emailDomains: $domains,
    defaultRole: $role, groupClaim: $claim, groupRoles: $groups, onlyOidc: $only) {
    issuer redirectUri emailDomains defaultRole groupRoles { group role } onlyOidc } }`;

function set({ running, idp, owner }: Context, given: Record<string, unknown> = {}): Promise<GraphqlAnswer> {
  const { issuer, clientId, clientSecret } = idp;
  const usual = { issuer, clientId, secret: clientSecret, domains: ["example.com"], role: "VIEWER" };
  return running.graphql(owner, setting, { ...usual, ...given });
}

function start({ running }: Context, next = ""): string {
  return `${running.address}/sign-in/oidc/start?organisation=default${next}`;
}

/** Travels as far as the callback, which is not yet asked. */
function toCallback(context: Context, traveller: Traveller, next = ""): Promise<Arrival> {
  return traveller.travel(start(context, next), ({ pathname }) => pathname === "/sign-in/oidc/callback");
}

async function whoIs({ running }: Context, traveller: Traveller): Promise<string | null> {
  const { text } = await traveller.travel(`${running.address}/account`);
  return /<p>([^<]+@[^<]+)<\/p>/.exec(text)?.[1] ?? null;
}

async function audited({ running }: Context, action: string): Promise<readonly string[]> {
  const entries = await readAudit(running.installation.store.reader, running.context.orgId, { newest: 100 });
  return entries
    .filter((entry) => entry.action === action)
    .map(({ target, detail }) => `${target}: ${detail}`);
}

test.serial("a person signs in at the provider and is made a member", async (t) => {
  const { running, owner } = t.context;
  const none = await newTraveller().travel(start(t.context));
  t.is(none.status, 404);
  t.true(none.text.includes("has no identity provider here"));
  const { data, messages } = await set(t.context);
  t.deepEqual(messages, []);
  t.like(data["setOidcSettings"], {
    redirectUri: `${running.address}/sign-in/oidc/callback`,
    defaultRole: "VIEWER",
    onlyOidc: false,
  });
  const page = await (await fetch(`${running.address}/sign-in`)).text();
  t.true(page.includes('href="/sign-in/oidc/start?organisation=default"'));
  const traveller = newTraveller();
  const arrived = await traveller.travel(start(t.context, "&next=/account"));
  t.is(arrived.url.href, `${running.address}/account`);
  t.is(await whoIs(t.context, traveller), "ann@example.com");
  const { data: people } = await running.graphql(owner, "{ members { email role hasPassword } }");
  t.deepEqual(
    (people["members"] as { email: string }[]).find((each) => each.email === "ann@example.com"),
    {
      email: "ann@example.com",
      role: "VIEWER",
      hasPassword: false,
    } as { email: string },
  );
  const { asked } = t.context.idp;
  t.is(asked.get("code_challenge_method"), "S256");
  t.is(asked.get("response_type"), "code");
  t.is(asked.get("scope"), "openid email");
  t.true((await audited(t.context, "member.signed_in")).includes("null: oidc"));
  t.deepEqual(await audited(t.context, "member.linked"), [`ann@example.com: ${t.context.idp.issuer}`]);
});

test.serial("the secret is sealed, never shown, and kept for the same issuer alone", async (t) => {
  const { running, idp, owner } = t.context;
  await set(t.context);
  const row = await running.installation.store.reader
    .selectFrom("oidc_settings")
    .selectAll()
    .executeTakeFirstOrThrow();
  t.false(JSON.stringify(row, (_, value: unknown) => String(value)).includes(idp.clientSecret));
  t.regex(row.sealed_secret, /^v1:/);
  t.deepEqual((await set(t.context, { secret: null, role: "FINANCE" })).messages, []);
  const traveller = newTraveller();
  await traveller.travel(start(t.context));
  t.is(await whoIs(t.context, traveller), "ann@example.com", "it still opens the token endpoint");
  const elsewhere = await set(t.context, { secret: null, issuer: "https://login.example.net" });
  t.deepEqual(elsewhere.codes, ["FS_NOT_FOUND"]);
  const { data } = await running.graphql(owner, "{ oidcSettings { issuer clientId } }");
  t.deepEqual(data, { oidcSettings: { issuer: idp.issuer, clientId: idp.clientId } });
});

test.serial(
  "a provider that takes the secret in the form, and tells e-mails at its userinfo alone",
  async (t) => {
    const { running } = t.context;
    await using idp = await startIdentityProvider(running, "client_secret_post");
    idp.person = { sub: "form", email: "form@example.com", email_verified: true, groups: ["finance"] };
    const groups = [{ group: "finance", role: "FINANCE" }];
    const context = { ...t.context, idp };
    t.deepEqual((await set(context, { claim: "groups", groups })).messages, []);
    const traveller = newTraveller();
    await traveller.travel(start(context));
    t.is(await whoIs(context, traveller), "form@example.com");
    t.is(idp.asked.get("scope"), "openid email groups");
    const member = await findMemberByEmail(
      running.installation.store.reader,
      running.context.orgId,
      "form@example.com",
    );
    t.is(member?.role, "finance");
  },
);

/** What a callback is sent with, in place of what the provider sent. */
const bent: readonly [what: string, change: (url: URL) => void][] = [
  ["another state", (url) => url.searchParams.set("state", "x".repeat(43))],
  ["no state", (url) => url.searchParams.delete("state")],
  ["another issuer", (url) => url.searchParams.set("iss", "https://evil.example")],
  ["no issuer", (url) => url.searchParams.delete("iss")],
  ["a code of its own", (url) => url.searchParams.set("code", "made-up")],
  ["no code", (url) => url.searchParams.delete("code")],
  ["an error", (url) => url.searchParams.set("error", "server_error")],
];

test.serial(
  "an answer counts once, as it was sent, in the browser that asked, for ten minutes",
  async (t) => {
    await set(t.context);
    for (const [what, change] of bent) {
      const traveller = newTraveller();
      const { url } = await toCallback(t.context, traveller);
      const changed = new URL(url);
      change(changed);
      t.is((await traveller.ask(changed)).status, 401, what);
      t.is((await traveller.ask(url)).status, 401, `${what}: the attempt is spent`);
      t.is(await whoIs(t.context, traveller), null, what);
    }
    const traveller = newTraveller();
    const { url } = await toCallback(t.context, traveller);
    t.is((await newTraveller().ask(url)).status, 401, "another browser, in the middle of nothing");
    const other = newTraveller();
    await toCallback(t.context, other);
    t.is((await other.ask(url)).status, 401, "another browser, in the middle of the same");
    t.is((await traveller.ask(url)).status, 303);
    t.is((await traveller.ask(url)).status, 401, "twice");
    const late = newTraveller();
    const { url: lateUrl } = await toCallback(t.context, late);
    t.context.clock.aheadMs = 11 * 60_000;
    t.is((await late.ask(lateUrl)).status, 401, "too late");
  },
);

test.serial("the request cannot be bent on its way to the provider", async (t) => {
  await set(t.context);
  for (const [name, value] of [
    ["nonce", "mine"],
    ["code_challenge", "A".repeat(43)],
  ] as const) {
    const traveller = newTraveller();
    const { headers } = await traveller.ask(start(t.context));
    const url = new URL(headers.get("location") ?? "");
    url.searchParams.set(name, value);
    t.is((await traveller.travel(url)).status, 401, name);
    t.is(await whoIs(t.context, traveller), null, name);
  }
});

const day = 86_400;
const nowSeconds = Math.floor(Date.now() / 1000);
const forged: readonly [what: string, change: Record<string, unknown>, by: "own" | "other" | "nobody"][] = [
  ["a token signed by somebody else", {}, "other"],
  ["a token signed by nobody", {}, "nobody"],
  ["a token for another client", { aud: "another" }, "own"],
  ["a token of another issuer", { iss: "https://evil.example" }, "own"],
  ["a token that has expired", { exp: nowSeconds - day, iat: nowSeconds - 2 * day }, "own"],
  ["a token for another browser", { nonce: "another" }, "own"],
  ["a token without a nonce", { nonce: undefined }, "own"],
  ["a token that names nobody", { sub: "" }, "own"],
];

test.serial("a token that is not for us, now, from this provider signs nobody in", async (t) => {
  const { idp } = t.context;
  await set(t.context);
  const tryToken = async (change: Record<string, unknown>, by: "own" | "other" | "nobody") => {
    const traveller = newTraveller();
    const { url } = await toCallback(t.context, traveller);
    const claims = {
      iss: idp.issuer,
      aud: idp.clientId,
      sub: "p-1",
      nonce: idp.asked.get("nonce"),
      iat: nowSeconds,
      exp: nowSeconds + day,
      email: "ann@example.com",
      email_verified: true,
      ...change,
    };
    idp.instead.set("/token", { access_token: "at", token_type: "bearer", id_token: idp.forge(claims, by) });
    const { status } = await traveller.ask(url);
    idp.instead.clear();
    return status;
  };
  for (const [what, change, by] of forged) t.is(await tryToken(change, by), 401, what);
  t.is(await tryToken({}, "own"), 303, "the same token, unchanged");
});

test.serial(
  "whoever goes away at the provider, or is unknown to it, is back at the sign-in page",
  async (t) => {
    await set(t.context);
    t.context.idp.person = null;
    const arrived = await newTraveller().travel(start(t.context));
    t.is(arrived.status, 401);
    t.true(arrived.text.includes("did not sign you in"));
  },
);

test.serial("who is refused reads why, and the audit log says whom", async (t) => {
  await set(t.context, { role: null });
  const refusals: readonly [claims: Record<string, unknown>, sentence: RegExp][] = [
    [{ sub: "p-2", email: "ann@example.com" }, /does not vouch for an e-mail/],
    [{ sub: "p-3", email: "eve@evil.example", email_verified: true }, /of a domain that may not sign in/],
    [{ sub: "p-4", email: "ann@example.com", email_verified: true }, /Another account/],
    [{ sub: "p-5", email: "bob@example.com", email_verified: true }, /Nobody has given you a role/],
  ];
  for (const [claims, sentence] of refusals) {
    t.context.idp.person = claims;
    const { status, text } = await newTraveller().travel(start(t.context));
    t.is(status, 403);
    t.regex(text, sentence);
  }
  t.deepEqual((await audited(t.context, "member.refused")).toReversed(), [
    "p-2: no email",
    "eve@evil.example: other domain",
    "ann@example.com: other account",
    "bob@example.com: no role",
  ]);
});

test.serial(
  "where only the provider counts, everybody else's ways in are closed, but not an owner's",
  async (t) => {
    const { running } = t.context;
    const { store } = running.installation;
    const now = Date.now();
    const member = await store.transact((db) =>
      addMember(db, running.context, { email: "held@example.com", role: "admin" }),
    );
    await setPassword(store, member, new Secret(password), now);
    const signIn = (as: string, traveller: Traveller) =>
      traveller.ask(`${running.address}/sign-in`, { organisation: "default", email: as, password });
    const before = newTraveller();
    t.is((await signIn("held@example.com", before)).status, 303);
    const owner = newTraveller();
    t.is((await signIn(email, owner)).status, 303);
    t.deepEqual((await set(t.context, { only: true })).messages, []);
    t.is(await whoIs(t.context, before), null, "is signed out");
    t.is(await whoIs(t.context, owner), email, "stays");
    const held = await signIn("held@example.com", newTraveller());
    t.is(held.status, 403);
    t.regex(await held.text(), /signs in at its identity provider/);
    t.is(
      (
        await newTraveller().ask(`${running.address}/sign-in`, {
          organisation: "default",
          email: "held@example.com",
          password: "wrong",
        })
      ).status,
      401,
    );
    const link = await store.transact((db) => createSignInLink(db, member, now));
    t.is((await newTraveller().ask(`${running.address}/sign-in/link/${link.reveal()}`, {})).status, 403);
    t.is((await signIn(email, newTraveller())).status, 303, "an owner can always undo it");
    t.context.idp.person = { sub: "held", email: "held@example.com", email_verified: true };
    const traveller = newTraveller();
    await traveller.travel(start(t.context));
    t.is(await whoIs(t.context, traveller), "held@example.com");
    await set(t.context, { only: false });
    t.is((await signIn("held@example.com", newTraveller())).status, 303);
  },
);

const unfit: readonly [what: string, given: Record<string, unknown>, code: string, message: RegExp][] = [
  ["plain http", { issuer: "http://localhost" }, "FS_INPUT_INVALID", /is not an issuer/],
  ["a query", { issuer: "https://localhost/?a" }, "FS_INPUT_INVALID", /is not an issuer/],
  ["no domain", { domains: [] }, "FS_INPUT_INVALID", /e-mail domains/],
  ["a domain that is none", { domains: ["@example.com"] }, "FS_INPUT_INVALID", /is not an e-mail domain/],
  ["owners by default", { role: "OWNER" }, "FS_INPUT_INVALID", /makes nobody an owner/],
  ["a claim without groups", { claim: "groups" }, "FS_INPUT_INVALID", /set together/],
  ["groups without a claim", { groups: [{ group: "g", role: "ADMIN" }] }, "FS_INPUT_INVALID", /set together/],
  [
    "a group that makes owners",
    { claim: "groups", groups: [{ group: "g", role: "OWNER" }] },
    "FS_INPUT_INVALID",
    /makes nobody an owner/,
  ],
  ["an empty secret", { secret: "" }, "FS_INPUT_INVALID", /secret is empty/],
  ["a host that does not answer", { issuer: "https://localhost:1" }, "FS_UPSTREAM", /cannot be used/],
];

for (const [what, given, code, message] of unfit) {
  test.serial(`settings with ${what} are refused`, async (t) => {
    const answer = await set(t.context, given);
    t.deepEqual(answer.codes, [code]);
    t.regex(answer.messages[0] ?? "", message);
  });
}

test.serial("metadata of another issuer, or without TLS, is refused", async (t) => {
  const { idp } = t.context;
  const path = "/.well-known/openid-configuration";
  const metadata = (await (await fetch(`${idp.issuer}${path}`)).json()) as Record<string, unknown>;
  const bad: readonly [change: Record<string, unknown>, message: RegExp][] = [
    [{ issuer: "https://evil.example" }, /issuer/],
    [{ token_endpoint: "http://localhost/token" }, /no https:\/\/ token_endpoint/],
    [{ jwks_uri: undefined }, /no https:\/\/ jwks_uri/],
  ];
  for (const [change, message] of bad) {
    idp.instead.set(path, { ...metadata, ...change });
    const answer = await set(t.context);
    t.deepEqual(answer.codes, ["FS_UPSTREAM"]);
    t.regex(answer.messages[0] ?? "", message);
  }
});

test.serial(
  "a provider in a private network is not asked unless the setting names the network",
  async (t) => {
    await using running = await startRunning();
    const owner = await running.apiKey("MEMBERS_UPDATE");
    for (const issuer of [
      t.context.idp.issuer,
      "https://127.0.0.1",
      "https://169.254.169.254",
      "https://[::1]",
    ]) {
      const answer = await set({ ...t.context, running, owner }, { issuer });
      t.deepEqual(answer.codes, ["FS_UPSTREAM"], issuer);
      t.regex(answer.messages[0] ?? "", /is no public host/, issuer);
    }
  },
);

test.serial(
  "a provider that is away is asked again after ten seconds, and not by each visitor",
  async (t) => {
    const { idp, clock } = t.context;
    let asked = 0;
    const away = createOidcClient(
      () => {
        asked += 1;
        return Promise.reject(new TypeError("fetch failed", { cause: new Error("it is away") }));
      },
      { ...systemClock, now: () => clock.aheadMs },
    );
    const ties = { redirectUri: "https://f.example/", state: "s", nonce: "n", verifier: "v" };
    const visit = () => away.authorizationUrl({ ...idp, groupClaim: null }, ties);
    const visits = await Promise.allSettled([visit(), visit(), visit()]);
    for (const each of visits) t.regex(String(each.status === "rejected" && each.reason), /it is away/);
    t.is(asked, 1);
    clock.aheadMs = 11_000;
    await t.throwsAsync(visit());
    t.is(asked, 2);
  },
);

test.serial("flowstate-control oidc sets, shows and removes it, with the server running", async (t) => {
  const { authority, issuer, clientId, clientSecret } = t.context.idp;
  const masterKey = newMasterKey();
  await using other = await startRunning({ masterKey, env: { FLOWSTATE_OIDC_NETWORKS: networks } });
  const caFile = join(other.dataDir, "ca.pem");
  writeFileSync(caFile, authority);
  const env = {
    FLOWSTATE_MASTER_KEY: masterKey.reveal(),
    FLOWSTATE_OIDC_NETWORKS: networks,
    FLOWSTATE_PUBLIC_URL: "https://flowstate.example.com",
    NODE_EXTRA_CA_CERTS: caFile,
  };
  const oidc = (args: readonly string[], input: string | null = null) =>
    control(other.dataDir, ["oidc", ...args], env, [], input);
  const document = { issuer, clientId, clientSecret, emailDomains: ["example.com"], defaultRole: "viewer" };
  const set = await oidc(["set", "-"], JSON.stringify(document));
  t.is(set.code, 0, set.stderr);
  t.true(set.stdout.includes("https://flowstate.example.com/sign-in/oidc/callback"));
  const shown = await oidc(["show", "--json"]);
  t.like(JSON.parse(shown.stdout), { issuer, clientId, defaultRole: "viewer", onlyOidc: false });
  t.false(shown.stdout.includes(clientSecret));
  const page = await (await fetch(`${other.address}/sign-in`)).text();
  t.true(page.includes("Sign in at your identity provider"), "the running server knows at once");
  const refusals: readonly [text: string, message: RegExp][] = [
    [JSON.stringify({ ...document, defaultRole: "owner" }), /defaultRole: /],
    [`{"clientSecret": ${clientSecret}`, /the document is not JSON/],
  ];
  for (const [text, message] of refusals) {
    const refused = await oidc(["set", "-"], text);
    t.is(refused.code, 65);
    t.regex(refused.stderr, message);
    t.false(refused.stderr.includes(clientSecret));
  }
  t.is((await oidc(["remove"])).stdout, "removed\n");
});

test.serial("removing the provider closes its way in and forgets whom it knew", async (t) => {
  const { running, owner } = t.context;
  await set(t.context);
  const remove = () => running.graphql(owner, "mutation { removeOidcSettings }");
  t.deepEqual((await remove()).data, { removeOidcSettings: true });
  t.deepEqual((await remove()).data, { removeOidcSettings: false });
  t.is((await newTraveller().travel(start(t.context))).status, 404);
  const left = await running.installation.store.reader
    .selectFrom("oidc_accounts")
    .select("subject")
    .execute();
  t.deepEqual(left, []);
  t.is((await audited(t.context, "oidc.removed")).length, 1);
});

test.serial(
  "a real browser finds its way there and back, with one organisation or with several",
  async (t) => {
    const { running } = t.context;
    await set(t.context);
    const browser = await launchBrowser();
    const go = async (first: (page: Page) => Promise<void>): Promise<void> => {
      const context = await browser.newContext({ baseURL: running.address, ignoreHTTPSErrors: true });
      const page = await context.newPage();
      const faults: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") faults.push(message.text());
      });
      await page.goto("/sign-in?next=/account");
      await first(page);
      await page.getByRole("heading", { name: "Your account" }).waitFor();
      await page.getByText("ann@example.com").waitFor();
      t.deepEqual(faults, []);
      await context.close();
    };
    try {
      await go((page) => page.getByRole("link", { name: "Sign in at your identity provider" }).click());
      await running.installation.store.transact((db) => foundOrg(db, { slug: "second", actor: "t", now: 1 }));
      await go(async (page) => {
        await page.getByRole("textbox", { name: "Organisation" }).last().fill("default");
        await page.getByRole("button", { name: "Use your identity provider" }).click();
        await page.getByRole("link", { name: "Continue" }).click();
      });
    } finally {
      await browser.close();
    }
  },
);

const claimed: readonly [what: string, idToken: object, userinfo: object | null, email: string | null][] = [
  ["a verified e-mail", { email: "A@Example.com", email_verified: true }, null, "a@example.com"],
  ["one verified in words", { email: "a@example.com", email_verified: "true" }, null, "a@example.com"],
  ["one that Entra vouches for", { email: "a@example.com", xms_edov: 1 }, null, "a@example.com"],
  ["one that is not verified", { email: "a@example.com", email_verified: false }, null, null],
  ["one of which nothing is said", { email: "a@example.com" }, null, null],
  ["one of the userinfo", {}, { email: "a@example.com", email_verified: true }, "a@example.com"],
  [
    "one verified elsewhere",
    { email: "a@example.com" },
    { email: "b@example.com", email_verified: true },
    "b@example.com",
  ],
  ["what is no e-mail", { email: "nobody", email_verified: true }, null, null],
];

for (const [what, idToken, userinfo, expected] of claimed) {
  test(`claims with ${what} ${expected === null ? "vouch for nobody" : `are ${expected}'s`}`, (t) => {
    const person = readPerson({ sub: "p", ...idToken }, userinfo as Record<string, unknown> | null, null);
    t.is(person?.email, expected);
  });
}

const grouped: readonly [claim: unknown, role: GivenRole][] = [
  [["eng", "finance"], "finance"],
  [["finance", "ops"], "admin"],
  ["finance", "finance"],
  [["eng"], "viewer"],
  [[7, null, "finance"], "finance"],
  [undefined, "viewer"],
  [{ finance: true }, "viewer"],
];

for (const [claim, expected] of grouped) {
  test(`groups ${JSON.stringify(claim)} give the role ${expected}`, (t) => {
    const groupRoles = [
      { group: "finance", role: "finance" },
      { group: "ops", role: "admin" },
    ] as const;
    const { groups = [] } = readPerson({ sub: "p", groups: claim }, null, "groups") ?? {};
    t.is(roleOf(groups, { groupRoles, defaultRole: "viewer" }), expected);
  });
}

const settings: OidcSettings = requireOidcSettings({
  issuer: "https://login.example.com",
  clientId: "c",
  emailDomains: [" Example.com "],
  defaultRole: "viewer",
  groupClaim: "groups",
  groupRoles: [{ group: "ops", role: "admin" }],
  onlyOidc: false,
});
const now = 1_700_000_000_000;
const ann: Person = { subject: "1", email: "ann@example.com", groups: [] };

async function admit(
  store: Store,
  orgId: OrgId,
  person: Partial<Person>,
  given: Partial<OidcSettings> = {},
): Promise<string> {
  const outcome = await store.transact((db) =>
    admitPerson(db, orgId, { ...settings, ...given }, { ...ann, ...person }, now),
  );
  return outcome.kind === "admitted" ? `${outcome.member.email} ${outcome.member.role}` : outcome.reason;
}

testOnBothEngines(
  "a person stays the same member whatever their e-mail becomes",
  async (t, { store, orgId }) => {
    t.is(await admit(store, orgId, {}), "ann@example.com viewer");
    t.is(await admit(store, orgId, { email: "ann.lee@example.com" }), "ann@example.com viewer");
    t.is(
      await admit(store, orgId, { subject: "2" }),
      "other_account",
      "who inherits an address inherits no account",
    );
    t.is(await admit(store, orgId, { email: "ann@elsewhere.example" }), "other_domain");
    t.is(await admit(store, orgId, { email: "ann@sub.example.com" }), "other_domain");
    t.is((await listMembers(store.reader, orgId)).length, 1);
  },
);

testOnBothEngines("a person who comes twice at once is one member", async (t, { store, address, orgId }) => {
  await using other = await openStore(address);
  const master = deriveKeys(randomBytes(32));
  await proveMasterKey(store, master);
  const change = { orgId, actor: "t", now };
  await store.transact((db) => storeOidcSettings(db, change, settings, new Secret("s"), master));
  const come = await Promise.all([store, other, store, other].map((each) => admit(each, orgId, {})));
  t.deepEqual(new Set(come), new Set(["ann@example.com viewer"]));
  t.is((await listMembers(store.reader, orgId)).length, 1);
});

testOnBothEngines(
  "groups give and take roles at each sign-in, but never an owner's",
  async (t, { store, orgId }) => {
    const change = { orgId, actor: "t", now };
    await store.transact((db) => addMember(db, change, { email: "boss@example.com", role: "owner" }));
    t.is(await admit(store, orgId, { groups: ["ops"] }), "ann@example.com admin");
    t.is(await admit(store, orgId, {}), "ann@example.com viewer");
    t.is(await admit(store, orgId, {}, { defaultRole: null }), "no_role");
    t.is(await admit(store, orgId, { groups: ["ops"] }, { defaultRole: null }), "ann@example.com admin");
    t.is(await admit(store, orgId, {}, { groupClaim: null, groupRoles: [] }), "ann@example.com admin");
    const boss = { subject: "9", email: "boss@example.com" };
    t.is(await admit(store, orgId, boss), "boss@example.com owner");
    t.is(await admit(store, orgId, boss, { defaultRole: null }), "boss@example.com owner");
  },
);

testOnBothEngines(
  "each organisation's provider speaks for its own people alone",
  async (t, { store, orgId }) => {
    const other = await store.transact((db) => foundOrg(db, { slug: "other", actor: "t", now }));
    await store.transact((db) =>
      addMember(db, { orgId: other, actor: "t", now }, { email: "ann@example.com", role: "owner" }),
    );
    t.is(await admit(store, orgId, {}), "ann@example.com viewer");
    t.is((await listMembers(store.reader, other))[0]?.role, "owner");
  },
);
