/** Passkeys: in a real browser with a virtual authenticator (Chrome DevTools Protocol, WebAuthn), and in the store. */
import anyTest, { type TestFn } from "ava";
import type { Browser, CDPSession, Page } from "playwright-core";
import { must } from "@flowstate/shared/assert";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { newFlow, spendFlow } from "../src/login/flow.ts";
import { addPasskey, listPasskeys, removePasskey, usePasskey } from "../src/login/passkeys.ts";
import { addMember, removeMember } from "../src/members/members.ts";
import { openStore } from "../src/store/open.ts";
import { readAudit } from "../src/audit/record.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { breachesOf, launchBrowser, visit, type Visit } from "./support/browser.ts";
import { startFront, type Front } from "./support/front.ts";
import { startRunning, type Running } from "./support/running.ts";

interface Context {
  readonly front: Front;
  readonly running: Running;
  readonly browser: Browser;
  readonly clock: { aheadMs: number };
}

const test = anyTest as TestFn<Context>;
const email = "owner@example.com";
const password = "a long enough password";

test.before(async (t) => {
  const ahead = { aheadMs: 0 };
  const clock: Clock = { ...systemClock, now: () => Date.now() + ahead.aheadMs };
  const front = await startFront();
  const env = {
    FLOWSTATE_ADMIN_EMAIL: email,
    FLOWSTATE_ADMIN_PASSWORD: password,
    FLOWSTATE_PUBLIC_URL: front.origin,
  };
  const running = await startRunning({ env, clock });
  front.lead(running.address);
  t.context = { front, running, browser: await launchBrowser(), clock: ahead };
});

test.beforeEach(({ context }) => void (context.clock.aheadMs = 0));

test.after.always(async ({ context }) => {
  await context.browser?.close();
  await context.running?.[Symbol.asyncDispose]();
  await context.front?.[Symbol.asyncDispose]();
});

/** A browser on a device that keeps passkeys and whose owner unlocks it. */
interface Device extends Visit, AsyncDisposable {
  readonly cdp: CDPSession;
  readonly authenticatorId: string;
}

async function newDevice({ browser, front }: Context): Promise<Device> {
  const visited = await visit(browser, front.origin);
  const cdp = await visited.context.newCDPSession(visited.page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { ...visited, cdp, authenticatorId, [Symbol.asyncDispose]: () => visited.context.close() };
}

async function signInByPassword(page: Page): Promise<void> {
  await page.goto("/sign-in?next=/account");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Your account" }).waitFor();
}

async function addInBrowser(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name of a new passkey").fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText(name, { exact: true }).waitFor();
}

async function signOut(page: Page): Promise<void> {
  await page.goto("/account");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Use a passkey" }).waitFor();
}

/** A device with one passkey of its own, signed out, on the sign-in page. */
async function withPasskey(context: Context, name: string): Promise<Device> {
  const device = await newDevice(context);
  await signInByPassword(device.page);
  await addInBrowser(device.page, name);
  await signOut(device.page);
  return device;
}

/** What the page's script would send; the challenge is the browser's own. */
function prove(page: Page, userVerification: "required" | "discouraged" = "required") {
  return page.evaluate(async (userVerification) => {
    const answer = await fetch("/sign-in/passkey/options", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    const options = (await answer.json()) as PublicKeyCredentialRequestOptionsJSON;
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON({ ...options, userVerification });
    const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
    return credential.toJSON() as unknown as { id: string; response: Record<string, string> };
  }, userVerification);
}

function send(page: Page, credential: unknown): Promise<number> {
  return page.evaluate(async (credential) => {
    const answer = await fetch("/sign-in/passkey", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ credential }),
    });
    return answer.status;
  }, credential);
}

async function audited({ running }: Context, action: string): Promise<readonly (string | null)[]> {
  const entries = await readAudit(running.installation.store.reader, running.context.orgId, { newest: 50 });
  return entries.filter((entry) => entry.action === action).map(({ target, detail }) => target ?? detail);
}

test.serial("a passkey is added, signs in without a name or a password, and is removed", async (t) => {
  await using device = await newDevice(t.context);
  const { page, faults } = device;
  await signInByPassword(page);
  await page.getByText("You have none.").waitFor();
  await addInBrowser(page, "Laptop <1>");
  await page.getByText(/not used yet, on one device/).waitFor();
  await page.getByLabel("Name of a new passkey").fill("the same again");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("This device has a passkey for this account already.").waitFor();
  await signOut(page);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.waitForURL(({ pathname }) => !pathname.startsWith("/sign-in"));
  await page.goto("/account");
  await page.getByText(email).waitFor();
  await page.getByText(/last used \d{4}-\d\d-\d\d, on one device/).waitFor();
  t.true((await audited(t.context, "member.signed_in")).includes("passkey"));
  t.deepEqual(await audited(t.context, "passkey.added"), ["Laptop <1>"]);
  await page.getByRole("button", { name: "Remove Laptop <1>" }).click();
  await page.getByText("You have none.").waitFor();
  t.deepEqual(await audited(t.context, "passkey.removed"), ["Laptop <1>"]);
  t.deepEqual(faults, [], "neither an error nor a breach of the content security policy");
  await signOut(page);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByText("This passkey does not sign you in here.").waitFor();
});

for (const colorScheme of ["light", "dark"] as const) {
  test.serial(
    `signing in and the account are without a breach of WCAG 2.2 AA (${colorScheme})`,
    async (t) => {
      await using device = await withPasskey(t.context, colorScheme);
      const { page } = device;
      await page.emulateMedia({ colorScheme });
      t.deepEqual(await breachesOf(page), []);
      await signInByPassword(page);
      await page.getByRole("button", { name: `Remove ${colorScheme}` }).waitFor();
      t.deepEqual(await breachesOf(page), []);
    },
  );
}

test.serial("signing in with a passkey leads on to where one was going", async (t) => {
  await using device = await withPasskey(t.context, "next");
  await device.page.goto("/sign-in?next=/account");
  await device.page.getByRole("button", { name: "Use a passkey" }).click();
  await device.page.getByRole("heading", { name: "Your account" }).waitFor();
  t.pass();
});

test.serial("removing a passkey signs every other browser out", async (t) => {
  await using lost = await withPasskey(t.context, "lost");
  await lost.page.getByRole("button", { name: "Use a passkey" }).click();
  await lost.page.waitForURL(({ pathname }) => !pathname.startsWith("/sign-in"));
  await using other = await newDevice(t.context);
  await signInByPassword(other.page);
  await other.page.getByRole("button", { name: "Remove lost" }).click();
  await other.page.getByRole("button", { name: "Remove lost" }).waitFor({ state: "detached" });
  await lost.page.goto("/account");
  await lost.page.getByRole("button", { name: "Use a passkey" }).waitFor();
  await other.page.goto("/account");
  await other.page.getByRole("heading", { name: "Your account" }).waitFor();
  t.deepEqual(await audited(t.context, "passkey.removed"), ["lost", "Laptop <1>"]);
});

const changes: readonly [what: string, name: string, change: (value: string) => string][] = [
  ["another signature", "signature", (value) => flipped(value, 20)],
  ["another counter", "authenticatorData", (value) => flipped(value, -2)],
  ["a challenge of its own", "clientDataJSON", (value) => withClientData(value, { challenge: "AAAA" })],
  ["another origin", "clientDataJSON", (value) => withClientData(value, { origin: "https://evil.example" })],
  [
    "what a registration says",
    "clientDataJSON",
    (value) => withClientData(value, { type: "webauthn.create" }),
  ],
  ["no text at all", "clientDataJSON", () => "!"],
];

function flipped(base64url: string, at: number): string {
  const bytes = Buffer.from(base64url, "base64url");
  const index = (at + bytes.length) % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return bytes.toString("base64url");
}

function withClientData(value: string, change: Record<string, string>): string {
  const data = JSON.parse(Buffer.from(value, "base64url").toString()) as Record<string, unknown>;
  return Buffer.from(JSON.stringify({ ...data, ...change })).toString("base64url");
}

test.serial(
  "a proof counts once, in the browser that asked for it, for ten minutes, and unchanged",
  async (t) => {
    await using device = await withPasskey(t.context, "proof");
    const { page } = device;
    for (const [what, name, change] of changes) {
      const proof = await prove(page);
      const response = { ...proof.response, [name]: change(proof.response[name] ?? "") };
      t.is(await send(page, { ...proof, response }), 401, what);
      t.is(await send(page, proof), 401, `${what}: the challenge is spent by the attempt`);
    }
    const proof = await prove(page);
    const userHandle = Buffer.from("nobody/else").toString("base64url");
    const response = { ...proof.response, userHandle };
    t.is(await send(page, { ...proof, response }), 401, "as somebody else");
    t.is(await send(page, { ...(await prove(page)), id: "AAAA", rawId: "AAAA" }), 401, "another credential");
    t.is(await send(page, null), 401);
    t.is(await send(page, [1]), 401);
    const late = await prove(page);
    t.context.clock.aheadMs = 11 * 60_000;
    t.is(await send(page, late), 401, "too late");
    t.context.clock.aheadMs = 0;
    await using other = await newDevice(t.context);
    await other.page.goto("/sign-in");
    const elsewhere = await prove(page);
    t.is(await send(other.page, elsewhere), 401, "another browser, in the middle of nothing");
    await other.page.evaluate(() =>
      fetch("/sign-in/passkey/options", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      }),
    );
    t.is(await send(other.page, elsewhere), 401, "another browser, with a challenge of its own");
    t.is(await send(page, elsewhere), 200);
    t.is(await send(page, elsewhere), 401, "twice");
  },
);

test.serial("who does not unlock the passkey is not signed in", async (t) => {
  await using device = await withPasskey(t.context, "locked");
  const { page, cdp, authenticatorId } = device;
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: false });
  t.is(await send(page, await prove(page, "discouraged")), 401);
  await cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified: true });
  t.is(await send(page, await prove(page)), 200);
});

test.serial("a copy shows by its counter or its kind; that a passkey was backed up is noted", async (t) => {
  await using device = await withPasskey(t.context, "copied");
  const { page, cdp, authenticatorId } = device;
  t.is(await send(page, await prove(page)), 200);
  t.is(await send(page, await prove(page)), 200);
  const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId });
  const original = must(credentials[0], "the device keeps the passkey");
  const become = async (change: Partial<typeof original>): Promise<void> => {
    await cdp.send("WebAuthn.removeCredential", { authenticatorId, credentialId: original.credentialId });
    await cdp.send("WebAuthn.addCredential", { authenticatorId, credential: { ...original, ...change } });
  };
  await become({ signCount: original.signCount - 1 });
  t.is(await send(page, await prove(page)), 401, "the counter stands still");
  await become({ signCount: original.signCount + 10, backupEligibility: true, backupState: true });
  t.is(await send(page, await prove(page)), 401, "another kind");
  t.is((await audited(t.context, "passkey.refused")).filter((target) => target === "copied").length, 2);
  await become({ signCount: original.signCount + 20 });
  t.is(await send(page, await prove(page)), 200);

  await using synced = await newDevice(t.context);
  const { authenticatorId: syncing } = synced;
  await synced.cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: syncing });
  const options = {
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
    defaultBackupEligibility: true,
    defaultBackupState: false,
  } as const;
  const added = await synced.cdp.send("WebAuthn.addVirtualAuthenticator", { options });
  await signInByPassword(synced.page);
  await addInBrowser(synced.page, "Synced");
  const [one] = (await synced.cdp.send("WebAuthn.getCredentials", added)).credentials;
  await synced.cdp.send("WebAuthn.setCredentialProperties", {
    ...added,
    credentialId: must(one, "the device keeps the passkey").credentialId,
    backupState: true,
  });
  t.is(await send(synced.page, await prove(synced.page)), 200);
  await synced.page.goto("/account");
  await synced.page
    .getByRole("listitem")
    .filter({ hasText: "Synced" })
    .filter({ hasText: "on several devices" })
    .waitFor();
});

test.serial("a passkey is added only soon after signing in", async (t) => {
  await using device = await newDevice(t.context);
  const { page } = device;
  await signInByPassword(page);
  await page.getByLabel("Name of a new passkey").fill("late");
  t.context.clock.aheadMs = 11 * 60_000;
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("Sign in again before you add a passkey.").waitFor();
  await page.goto("/account");
  await page.getByRole("link", { name: "Sign in again" }).waitFor();
  t.is(await page.getByRole("button", { name: "Add a passkey" }).count(), 0);
});

test.serial("fifty proofs that prove nothing close the door to their address", async (t) => {
  await using device = await withPasskey(t.context, "throttled");
  const { page } = device;
  const statuses = new Set<number>();
  const proof = await prove(page);
  for (let attempt = 0; attempt < 52; attempt += 1) statuses.add(await send(page, proof));
  t.deepEqual([...statuses], [200, 401, 429]);
  t.context.clock.aheadMs = 16 * 60_000;
  t.is(await send(page, await prove(page)), 200);
});

test("where the control plane has no name but an address, passkeys are not offered", async (t) => {
  await using running = await startRunning({
    env: { FLOWSTATE_ADMIN_EMAIL: email, FLOWSTATE_ADMIN_PASSWORD: password },
  });
  const page = await fetch(`${running.address}/sign-in`);
  t.false((await page.text()).includes("passkey"));
  t.is((await fetch(`${running.address}/sign-in/passkey/options`, { method: "POST" })).status, 404);
});

test("the sign-in page runs one script of ours and may call nobody else", async (t) => {
  const answer = await fetch(`${t.context.front.origin}/sign-in`);
  const policy = (answer.headers.get("content-security-policy") ?? "").split("; ");
  t.true(policy.includes("default-src 'none'"));
  t.deepEqual(
    policy.filter((rule) => /^(?:script|connect)-src/.test(rule)),
    ["script-src 'self'", "connect-src 'self'"],
  );
  const scripts = (await answer.text()).match(/<script[^>]*>[^<]*/g);
  t.deepEqual(scripts, ['<script src="/sign-in/passkey.js" defer>']);
  const script = await fetch(`${t.context.front.origin}/sign-in/passkey.js`);
  t.is(script.headers.get("content-type"), "text/javascript; charset=utf-8");
});

test("other sites ask for no challenge", async (t) => {
  for (const path of ["/sign-in/passkey/options", "/sign-in/passkey", "/account/passkeys"]) {
    const headers = { "content-type": "application/json", origin: "https://evil.example" };
    const answer = await fetch(`${t.context.front.origin}${path}`, { method: "POST", headers, body: "{}" });
    t.is(answer.status, 403, path);
  }
});

const now = 1_700_000_000_000;
const passkey = {
  credentialId: "Y3JlZGVudGlhbA",
  name: "Laptop",
  publicKey: "a2V5",
  signCount: 0,
  backupEligible: true,
  backedUp: false,
  transports: ["internal", "hybrid"],
};

testOnBothEngines(
  "passkeys belong to their member, with what is known of each",
  async (t, { store, orgId }) => {
    const change = { orgId, actor: "t", now };
    const [one, two] = await store.transact(
      async (db) =>
        [
          await addMember(db, change, { email: "a@example.com", role: "viewer" }),
          await addMember(db, change, { email: "b@example.com", role: "viewer" }),
        ] as const,
    );
    await store.transact((db) => addPasskey(db, one, passkey, now));
    t.deepEqual(await listPasskeys(store.reader, one), [{ ...passkey, createdAt: now, usedAt: null }]);
    t.deepEqual(await listPasskeys(store.reader, two), []);
    await t.throwsAsync(
      store.transact((db) => addPasskey(db, two, passkey, now)),
      { message: "this passkey is there already" },
    );
    t.false(
      await store.transact((db) => removePasskey(db, two, passkey.credentialId, now)),
      "somebody else's",
    );
    const use = (proof: Partial<typeof passkey>) =>
      store.transact((db) => usePasskey(db, one, passkey, { ...passkey, ...proof }, now + 1));
    const uses: readonly [proof: Partial<typeof passkey>, taken: boolean][] = [
      [{}, true],
      [{ backedUp: true }, true],
      [{ signCount: 5 }, true],
      [{ signCount: 5 }, false],
      [{ signCount: 4 }, false],
      [{ signCount: 0 }, false],
      [{ signCount: 6, backupEligible: false }, false],
      [{ signCount: 7 }, true],
    ];
    for (const [proof, taken] of uses) t.is(await use(proof), taken, JSON.stringify(proof));
    t.like((await listPasskeys(store.reader, one))[0], { signCount: 7, usedAt: now + 1, backedUp: false });
    for (let count = 1; count < 20; count += 1) {
      await store.transact((db) => addPasskey(db, one, { ...passkey, credentialId: `k${count}` }, now));
    }
    await t.throwsAsync(
      store.transact((db) => addPasskey(db, one, { ...passkey, credentialId: "k20" }, now)),
      { message: /you have 20 passkeys/ },
    );
    t.true(await store.transact((db) => removePasskey(db, one, "k1", now)));
    t.is((await listPasskeys(store.reader, one)).length, 19);
    await store.transact((db) => removeMember(db, change, one.memberId));
    t.is((await store.reader.selectFrom("passkeys").select("name").execute()).length, 0);
  },
);

testOnBothEngines("a flow is finished once, on whichever control plane", async (t, { store, address }) => {
  await using other = await openStore(address);
  const flow = newFlow({ kind: "passkey" }, now);
  const spent = await Promise.all(
    [store, other, store, other].map((each) => each.transact((db) => spendFlow(db, flow, now))),
  );
  t.deepEqual(spent.filter(Boolean), [true]);
  t.true(await store.transact((db) => spendFlow(db, newFlow({ kind: "oidc" }, now), flow.expiresAt)));
  const kept = await store.reader.selectFrom("spent_flows").select("expires_at").execute();
  t.is(kept.length, 1, "what has expired is forgotten");
});
