/** Sign-in and consent as people meet them: over TLS, in a real browser, on the way from an official client and back. */
import { once } from "node:events";
import { connect } from "node:net";
import { createServer, getCACertificates, setDefaultCACertificates, type Server } from "node:tls";
import anyTest, { type TestFn } from "ava";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { launchBrowser } from "./support/browser.ts";
import { connectNew, connectOld, redirectUrl } from "./support/mcp-assistant.ts";
import { createFixtureSurface, wideScope } from "./support/mcp-fixtures.ts";
import { startRunning, type Running } from "./support/running.ts";

interface Context {
  readonly front: Server;
  readonly running: Running;
  readonly address: URL;
  readonly browser: Browser;
}

const test = anyTest as TestFn<Context>;
const email = "owner@example.com";
const password = "a long enough password";

test.before(async (t) => {
  const authority = createAuthority({ commonName: "test", days: 1 });
  const leaf = issueCertificate(authority, { commonName: "localhost", names: ["localhost"], days: 1 });
  setDefaultCACertificates([...getCACertificates("bundled"), authority.certificate]);
  let target: URL | null = null;
  const front = createServer({ cert: leaf.certificate, key: leaf.privateKey }, (from) => {
    const to = connect({ host: target?.hostname ?? "", port: Number(target?.port) });
    from.on("error", () => to.destroy()).pipe(to);
    to.on("error", () => from.destroy()).pipe(from);
  });
  await once(front.listen(0, "localhost"), "listening");
  const bound = front.address();
  const publicUrl = `https://localhost:${typeof bound === "object" ? bound?.port : 0}`;
  const running = await startRunning({
    env: {
      FLOWSTATE_PUBLIC_URL: publicUrl,
      FLOWSTATE_ADMIN_EMAIL: email,
      FLOWSTATE_ADMIN_PASSWORD: password,
    },
    createMcp: () => createFixtureSurface("stateless"),
  });
  target = new URL(running.address);
  t.context = { front, running, address: new URL("/mcp", publicUrl), browser: await launchBrowser() };
});

test.after.always(async ({ context }) => {
  await context.browser?.close();
  await context.running?.[Symbol.asyncDispose]();
  context.front?.close();
});

/** Somebody at a browser of their own, who signs in where asked. */
async function openPerson({ browser }: Context, ...decisions: readonly ("Allow" | "Refuse")[]) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (/Content Security Policy|Mixed Content/i.test(message.text())) faults.push(message.text());
  });
  const pages: string[] = [];
  return {
    context,
    faults,
    pages,
    async decide(url: URL): Promise<URL> {
      await page.goto(url.href);
      if (new URL(page.url()).pathname === "/sign-in") await signIn(page);
      await page.getByRole("heading", { name: "Connect Assistant?" }).waitFor();
      pages.push(await page.locator("body").innerText());
      const back = page.waitForRequest((request) => request.url().startsWith(redirectUrl));
      await page.getByRole("button", { name: decisions[pages.length - 1] ?? "Allow" }).click();
      const asked = new URL((await back).url());
      // Nobody listens there: the browser's page of errors must have come before anything else is opened.
      await page.waitForURL(/^chrome-error:/, { waitUntil: "commit" });
      return asked;
    },
  };
}

async function signIn(page: Page): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** None can be read by script, sent in the clear, or sent along from elsewhere. */
async function looseCookies(context: BrowserContext): Promise<readonly string[]> {
  const cookies = await context.cookies();
  return cookies
    .filter(({ httpOnly, secure, sameSite }) => !httpOnly || !secure || sameSite !== "Lax")
    .map(({ name }) => name);
}

for (const [revision, connectClient] of [
  ["2025-11-25", connectOld],
  ["2026-07-28", connectNew],
] as const) {
  test.serial(
    `the official client of ${revision} sends a browser to sign in, agree and step up`,
    async (t) => {
      const person = await openPerson(t.context);
      await using assistant = await connectClient(t.context.address, person);
      t.is(assistant.revision(), revision);
      const { content } = await assistant.call("test_wider_scope", { value: "changed" });
      t.deepEqual(content, [{ type: "text", text: `changed with ai.read ${wideScope.name}` }]);
      const [first = "", second = ""] = person.pages;
      t.true(first.includes(email) && first.includes("127.0.0.1:33418"), first);
      t.false(first.includes(wideScope.allows));
      t.true(second.includes(wideScope.allows), second);
      t.deepEqual(person.faults, []);
      t.deepEqual(await looseCookies(person.context), []);
      await person.context.close();
    },
  );
}

test.serial("who refuses in the browser leaves the client without", async (t) => {
  const person = await openPerson(t.context, "Refuse");
  await t.throwsAsync(connectNew(t.context.address, person), { message: /access_denied|did not agree/ });
  t.is(person.pages.length, 1);
  await person.context.close();
});
