/** Signing in as a browser does it: links, passwords, cookies, and what other sites may not do. */
import anyTest, { type TestFn } from "ava";
import type { Clock } from "@flowstate/shared/clock";
import { systemClock } from "@flowstate/shared/clock";
import { dayMs, hourMs } from "@flowstate/shared/time";
import { foundOrg } from "../src/orgs/orgs.ts";
import { readWebFiles } from "../src/serve/web.ts";
import { startRunning, type Running } from "./support/running.ts";

interface Context {
  readonly running: Running;
  readonly clock: { aheadMs: number };
}

const test = anyTest as TestFn<Context>;
const email = "owner@example.com";
const password = "a long enough password";

test.beforeEach(async (t) => {
  const ahead = { aheadMs: 0 };
  const clock: Clock = { ...systemClock, now: () => Date.now() + ahead.aheadMs };
  const env = t.title.includes("first start")
    ? {}
    : { FLOWSTATE_ADMIN_EMAIL: email, FLOWSTATE_ADMIN_PASSWORD: password };
  t.context = { running: await startRunning({ env, clock }), clock: ahead };
});

test.afterEach.always(({ context }) => context.running[Symbol.asyncDispose]());

interface Sent {
  readonly cookie?: string;
  readonly headers?: Record<string, string>;
}

function post(
  url: string,
  fields: Record<string, string>,
  { cookie, headers = {} }: Sent = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: { ...headers, ...(cookie === undefined ? {} : { cookie }) },
    body: new URLSearchParams(fields),
  });
}

function get(url: string, cookie?: string): Promise<Response> {
  return fetch(url, { redirect: "manual", headers: cookie === undefined ? {} : { cookie } });
}

function cookieOf(answer: Response): string {
  return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
}

async function signIn({ address }: Running, given = password): Promise<Response> {
  return post(`${address}/sign-in`, { organisation: "default", email, password: given });
}

async function viewer({ address }: Running, cookie: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "flowstate-request": "1", cookie, ...headers },
    body: '{"query":"{ viewer { email role } }"}',
  });
  const body = (await answer.json()) as { data?: { viewer: { email: string } } };
  return { status: answer.status, email: body.data?.viewer.email ?? null };
}

test("the first start gives a link that works once and leads to a password", async (t) => {
  const { running } = t.context;
  const link = running.controlPlane.signInLink ?? "";
  t.true(link.startsWith(`${running.address}/sign-in/link/`));
  const page = await get(link);
  t.is(page.status, 200);
  t.regex(await page.text(), /<form method="post"/);
  t.is((await get(link)).status, 200, "looking at it does not spend it");
  const spent = await post(link, {});
  t.is(spent.status, 303);
  t.is(spent.headers.get("location"), "/account/password");
  t.is((await post(link, {})).status, 404);
  const cookie = cookieOf(spent);
  t.is((await post(`${running.address}/account/password`, { password: "short" }, { cookie })).status, 400);
  const set = await post(`${running.address}/account/password`, { password }, { cookie });
  t.is(set.headers.get("location"), "/");
  t.is((await viewer(running, cookieOf(set))).status, 200);
  t.is((await viewer(running, cookie)).status, 401, "the login before the password has ended");
});

test("a link stops working after 24 hours on the first start too", async (t) => {
  const { running, clock } = t.context;
  clock.aheadMs = dayMs + 1;
  t.is((await post(running.controlPlane.signInLink ?? "", {})).status, 404);
});

test("the right password signs in, with a cookie that scripts and other sites do not get", async (t) => {
  const { running } = t.context;
  const answer = await signIn(running);
  t.is(answer.status, 303);
  t.is(answer.headers.get("location"), "/");
  t.regex(
    answer.headers.get("set-cookie") ?? "",
    /^flowstate=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=604800$/,
  );
  t.deepEqual(await viewer(running, cookieOf(answer)), { status: 200, email });
  const home = await get(running.address, cookieOf(answer));
  // npm test builds the web application; a single file may be run without it.
  if (readWebFiles() === null) t.true((await home.text()).includes(`Signed in as ${email}`));
  else t.is(home.headers.get("location"), "/app/");
});

test("under https the cookie is bound to its host", async (t) => {
  const env = {
    FLOWSTATE_PUBLIC_URL: "https://flowstate.example.com",
    FLOWSTATE_ADMIN_EMAIL: email,
    FLOWSTATE_ADMIN_PASSWORD: password,
  };
  await using running = await startRunning({ env });
  const answer = await signIn(running);
  t.regex(
    answer.headers.get("set-cookie") ?? "",
    /^__Host-flowstate=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure;/,
  );
});

test("a wrong password and an unknown e-mail get the same answer", async (t) => {
  const { address } = t.context.running;
  const wrong = await signIn(t.context.running, "another password");
  const unknown = await post(`${address}/sign-in`, {
    organisation: "default",
    email: "x@example.com",
    password,
  });
  t.is(wrong.status, 401);
  t.is(unknown.status, 401);
  const text = (page: string): string => page.replace(/value="[^"]*"/g, "");
  t.is(text(await unknown.text()), text(await wrong.text()));
});

test("too many wrong passwords close the door, also to the right one, for a while", async (t) => {
  const { running, clock } = t.context;
  for (let attempt = 0; attempt < 10; attempt += 1)
    t.is((await signIn(running, "wrong wrong wrong")).status, 401);
  const closed = await signIn(running);
  t.is(closed.status, 429);
  t.true(Number(closed.headers.get("retry-after")) > 0);
  clock.aheadMs = 16 * 60_000;
  t.is((await signIn(running)).status, 303);
});

test("a login ends when it is signed out, idle for 12 hours, or a week old", async (t) => {
  const { running, clock } = t.context;
  const cookie = cookieOf(await signIn(running));
  clock.aheadMs = 11 * hourMs;
  t.is((await viewer(running, cookie)).status, 200);
  clock.aheadMs = 22 * hourMs;
  t.is((await viewer(running, cookie)).status, 200, "use keeps it open");
  clock.aheadMs = 35 * hourMs;
  t.is((await viewer(running, cookie)).status, 401, "idle");
  const second = cookieOf(await signIn(running));
  for (let hours = 35; hours < 35 + 7 * 24; hours += 11) {
    clock.aheadMs = hours * hourMs;
    t.is((await viewer(running, second)).status, 200, `${hours} h`);
  }
  clock.aheadMs = (35 + 7 * 24) * hourMs;
  t.is((await viewer(running, second)).status, 401, "a week old");
  const third = cookieOf(await signIn(running));
  const out = await post(`${running.address}/sign-out`, {}, { cookie: third });
  t.is(out.headers.get("set-cookie")?.includes("Max-Age=0"), true);
  t.is((await viewer(running, third)).status, 401, "signed out");
});

test("signing in again gives another cookie and ends the one before", async (t) => {
  const { running } = t.context;
  const first = cookieOf(await signIn(running));
  const again = await post(
    `${running.address}/sign-in`,
    { organisation: "default", email, password },
    { cookie: first },
  );
  t.not(cookieOf(again), first);
  t.is((await viewer(running, first)).status, 401);
  t.is((await viewer(running, cookieOf(again))).status, 200);
});

test("a password is changed only soon after signing in", async (t) => {
  const { running, clock } = t.context;
  const cookie = cookieOf(await signIn(running));
  clock.aheadMs = 11 * 60_000;
  const late = await post(
    `${running.address}/account/password`,
    { password: "another long password" },
    { cookie },
  );
  t.is(late.headers.get("location"), "/sign-in");
  t.is((await signIn(running)).status, 303, "the password is as it was");
});

const foreign: readonly [what: string, headers: Record<string, string>][] = [
  ["Origin of another site", { origin: "https://evil.example" }],
  ["no Origin worth the name", { origin: "null" }],
  ["Sec-Fetch-Site: cross-site", { "sec-fetch-site": "cross-site" }],
  ["Sec-Fetch-Site: same-site", { "sec-fetch-site": "same-site" }],
];

for (const [what, headers] of foreign) {
  test(`a form or a query with ${what} is refused`, async (t) => {
    const { running } = t.context;
    const cookie = cookieOf(await signIn(running));
    t.is((await post(`${running.address}/sign-out`, {}, { cookie, headers })).status, 403);
    t.is((await viewer(running, cookie, headers)).status, 403);
    t.is((await viewer(running, cookie)).status, 200, "and nothing happened");
  });
}

test("our own pages' Origin is accepted; without the header of ours a cookie changes nothing", async (t) => {
  const { running } = t.context;
  const cookie = cookieOf(await signIn(running));
  t.is(
    (await viewer(running, cookie, { origin: running.address, "sec-fetch-site": "same-origin" })).status,
    200,
  );
  const plain = await fetch(`${running.address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", cookie },
    body: '{"query":"{ viewer { email } }"}',
  });
  t.is(plain.status, 403);
});

for (const path of ["/", "/sign-in", "/sign-in/link/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]) {
  test(`${path} asks nobody else for anything and runs no script`, async (t) => {
    const answer = await get(`${t.context.running.address}${path}`);
    const csp = answer.headers.get("content-security-policy") ?? "";
    t.true(csp.startsWith("default-src 'none';"));
    t.true(csp.includes("frame-ancestors 'none'"));
    t.is(answer.headers.get("referrer-policy"), "same-origin");
    const text = await answer.text();
    t.notRegex(text, /<script|https?:\/\/(?!ai\.flowstate\.inc)/);
  });
}

test("what people type comes back as text, not as markup", async (t) => {
  const answer = await post(`${t.context.running.address}/sign-in`, {
    organisation: "default",
    email: '"><script>alert(1)</script>',
    password,
  });
  const page = await answer.text();
  t.false(page.includes("<script"));
  t.true(page.includes("&lt;script&gt;"));
});

test("with more than one organisation the form asks which, and each knows its own people", async (t) => {
  const { running } = t.context;
  const { store } = running.installation;
  const signInTo = (organisation: string) =>
    post(`${running.address}/sign-in`, { organisation, email, password });
  const asks = async () =>
    (await (await get(`${running.address}/sign-in`)).text()).includes('name="organisation" type="text"');
  t.false(await asks());
  await store.transact((db) => foundOrg(db, { slug: "second", actor: "t", now: 1 }));
  t.true(await asks());
  t.is((await signInTo("second")).status, 401);
  t.is((await signInTo("nowhere")).status, 401);
  t.is((await signInTo("default")).status, 303);
});
