/**
 * `node scripts/screenshots.ts [name …]`: makes `docs/screenshots` anew, or those named, from a server with a made-up
 * company in it and a real browser. The company is the same each time; its days are the last two hundred and forty.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { launchBrowser, signIn, visit } from "../control-plane/test/support/browser.ts";
import { control } from "../control-plane/test/support/program.ts";
import { newMasterKey, startRunning } from "../control-plane/test/support/running.ts";
import { runDetectors } from "../control-plane/src/signals/run.ts";
import { systemClock } from "@flowstate/shared/clock";
import { buildWeb } from "./build-web.ts";

const folder = resolve(import.meta.dirname, "../docs/screenshots");
const email = "owner@example.com";
const password = "a long enough password";
const lastMonth = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() - 1, 15))
  .toISOString()
  .slice(0, 7);

const shots = [
  ["start", "/app/start", "light"],
  ["spend", "/app/insights/spend", "light"],
  ["attribution", "/app/insights/attribution", "light"],
  ["forecast", "/app/insights/forecast", "dark"],
  ["fluency", "/app/insights/fluency", "light"],
  ["reconciliation", "/app/insights/reconciliation", "light"],
  ["reconciliation-dark", "/app/insights/reconciliation", "dark"],
  ["service-accounts", "/app/governance/service-accounts", "light"],
  ["policy", "/app/governance/policy", "light"],
  ["policy-draft", "/app/governance/policy?draft=", "light"],
  ["alerts", "/app/governance/alerts", "dark"],
  ["alert", "/app/governance/alerts", "light"],
  ["my-ai-usage", "/app/me/ai-usage", "light"],
  ["my-ai-keys", "/app/me/ai-keys", "light"],
  ["directory", "/app/settings/directory", "light"],
  ["providers-inventory", "/app/governance/services", "light"],
  ["cloud-proxy", "/app/settings/cloud-proxy", "light"],
  ["usage-providers", "/app/settings/usage-providers", "dark"],
  ["telemetry-keys", "/app/settings/telemetry-keys", "light"],
  ["agent-policy", "/app/settings/agent-policy", "light"],
  ["members", "/app/settings/members", "light"],
  ["api-keys", "/app/settings/api-keys", "light"],
  ["audit", "/app/audit", "light"],
] as const;

await buildWeb();
mkdirSync(folder, { recursive: true });
const masterKey = newMasterKey();
await using running = await startRunning({
  masterKey,
  env: { FLOWSTATE_ADMIN_EMAIL: email, FLOWSTATE_ADMIN_PASSWORD: password },
});
const key = { FLOWSTATE_MASTER_KEY: masterKey.reveal() };
for (const args of [
  ["demo", "seed", "--days", "240"],
  ["reconcile", "run", "--period", lastMonth],
  ["org-key", "provision", "--org", "default"],
]) {
  const { code, stderr } = await control(running.dataDir, args, key);
  if (code !== 0) throw new Error(stderr);
}
await runDetectors({ store: running.installation.store, clock: systemClock }, running.context.orgId, {
  whole: true,
});
await using browser = await launchBrowser();
const wanted = process.argv.slice(2);
for (const [name, path, scheme] of shots) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { page, context } = await visit(browser, running.address, scheme);
  await signIn(page, email, password);
  await page.goto(path);
  if (path.endsWith("reconciliation")) {
    await page.getByRole("textbox", { name: "Month" }).fill(lastMonth);
    await page.getByRole("button", { name: /^unreconciled/ }).click();
    await page.getByRole("button", { name: /^auto matched/ }).click();
    await page.getByRole("listbox", { name: "Billing rows" }).waitFor();
    await page.keyboard.press("j");
  }
  if (path.endsWith("forecast")) {
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("The forecasts were made anew.").waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Dismiss" }).click();
  }
  if (name === "alert") {
    await page.getByRole("button", { name: "spend spike" }).click();
    await page.getByRole("dialog").waitFor();
  }
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
  process.stdout.write(`${name}\n`);
}
