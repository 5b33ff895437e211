import { AxeBuilder } from "@axe-core/playwright";
import chromium from "@sparticuz/chromium";
import { chromium as playwright, type Browser, type BrowserContext, type Page } from "playwright-core";
import { unpackChromium } from "./chromium.ts";

/** A page of a real browser that remembers what must not happen. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, and requests to any other host. */
  readonly faults: readonly string[];
}

/** A headless Chromium that came with npm and needs no package of the system. */
export async function launchBrowser(): Promise<Browser> {
  // No page draws in three dimensions, and a browser that could is slower where there is no graphics card.
  chromium.setGraphicsMode = false;
  const { executablePath, env } = await unpackChromium();
  return playwright.launch({
    executablePath,
    env: { ...process.env, ...env },
    // In a single process the browser would end with its first window.
    args: [...chromium.args.filter((arg) => arg !== "--single-process"), "--no-sandbox"],
    headless: true,
  });
}

export async function visit(
  browser: Browser,
  origin: string,
  colorScheme: "light" | "dark" = "light",
): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: origin,
    colorScheme,
    viewport: { width: 1360, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !/^(?:data|blob):/.test(url)) faults.push(`request to ${url}`);
  });
  return { page, context, faults };
}

export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.goto("/sign-in");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/app/**");
}

/** What a page that has loaded breaches of WCAG 2.2 AA, and what it says is wrong. */
export async function breachesOf(page: Page): Promise<readonly string[]> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.body.textContent.includes("Loading …"));
  const found = await violationsOf(axe(page).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]));
  return [...found, ...(await page.getByRole("alert").allInnerTexts())];
}

/** What it breaches in the dark besides, by the rules that colours can break. */
export async function darkBreachesOf(page: Page): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme: "dark" });
  const found = await violationsOf(axe(page).withRules(["color-contrast", "link-in-text-block"]));
  await page.emulateMedia({ colorScheme: "light" });
  return found;
}

/** Without frames of other origins, of which there are none, it needs no second page. */
function axe(page: Page): AxeBuilder {
  return new AxeBuilder({ page }).setLegacyMode();
}

async function violationsOf(builder: AxeBuilder): Promise<readonly string[]> {
  const { violations } = await builder.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`);
}
