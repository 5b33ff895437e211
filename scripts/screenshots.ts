/**
 * `node scripts/screenshots.ts`: makes `docs/screenshots` anew, from a server with a made-up company in it and a real
 * browser. The company is the same each time; its days are the last two hundred and forty.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { launchBrowser, signIn, visit } from "../control-plane/test/support/browser.ts";
import { control } from "../control-plane/test/support/program.ts";
import { newMasterKey, startRunning, type Running } from "../control-plane/test/support/running.ts";
import { runDetectors } from "../control-plane/src/signals/run.ts";
import { ingestSessions } from "../control-plane/src/usage/ingest.ts";
import { systemClock } from "@flowstate/shared/clock";
import type { Subject } from "@flowstate/shared/subject";
import { dayMs } from "@flowstate/shared/time";
import { fluencyIndicators } from "@flowstate/shared/wire/fluency";
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
  ["policy", "/app/governance/policy?draft=", "light"],
  ["alerts", "/app/governance/alerts", "dark"],
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
await fillGovernance(running);
await using browser = await launchBrowser();
for (const [name, path, scheme] of shots) {
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
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
  process.stdout.write(`${name}\n`);
}

/** What the demo company itself has not: conversations judged, programs, and the signals of its days. */
async function fillGovernance({ installation, context, apiKey, graphql }: Running): Promise<void> {
  const { store } = installation;
  const { orgId } = context;
  const now = Date.now();
  const events = Array.from({ length: 80 }, (_, index) => ({
    seq: index + 1,
    kind: "fluency",
    sessionId: `conversation ${index}`,
    tool: "claude-code",
    occurredAt: new Date(now - ((index % 80) + 1) * dayMs).toISOString(),
    ruleVersion: 1,
    revision: 1,
    indicators: Object.fromEntries(
      fluencyIndicators.map((name, at) => [
        name,
        { observed: (index * 7 + at * 5) % 11 < at ? 1 : 0, opportunities: 1 },
      ]),
    ),
  }));
  const batch = { source: randomUUID(), batch: randomUUID(), events };
  await ingestSessions(store, { orgId, subject: email as Subject, now, batch });
  const key = await apiKey("SETTINGS_INTEGRATIONS_UPDATE", "AI_GOVERNANCE_VIEW");
  for (const [name, scope] of [
    ["Release notes", "Writes the changelog of each release"],
    ["Support triage", "Sorts incoming tickets"],
  ]) {
    await graphql(
      key,
      `mutation { createServiceAccount(name: "${name}", intendedScope: "${scope}", environment: PRODUCTION) { key } }`,
    );
  }
  await runDetectors({ store, clock: systemClock }, orgId, { whole: true });
}
