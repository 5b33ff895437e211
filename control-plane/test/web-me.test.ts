/**
 * What people do about their own use, in a real browser: nudges answered, sessions marked, applications disconnected;
 * what managers see of it; and where signals go besides.
 */
import { randomUUID } from "node:crypto";
import anyTest, { type TestFn } from "ava";
import type { Browser } from "playwright-core";
import { systemClock } from "@flowstate/shared/clock";
import type { Subject } from "@flowstate/shared/subject";
import { dateOf, periodOf } from "@flowstate/shared/time";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { createOAuthAdapter } from "../src/oauth/adapter.ts";
import { storeFindings } from "../src/signals/store-findings.ts";
import { runNudges } from "../src/standing/run.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { asMember } from "./support/as-member.ts";
import { breachesOf, launchBrowser, signIn, visit, type Visit } from "./support/browser.ts";
import { callEvent } from "./support/call-event.ts";
import { startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; browser: Browser }>;
const email = "owner@example.com";
const bob = "bob@example.com";
const password = "a long enough password";

test.before(async (t) => {
  const env = { FLOWSTATE_ADMIN_EMAIL: email, FLOWSTATE_ADMIN_PASSWORD: password };
  const running = await startRunning({ env });
  await fill(running);
  t.context = { running, browser: await launchBrowser() };
});

test.after.always(async ({ context }) => {
  await context.browser.close();
  await context.running[Symbol.asyncDispose]();
});

/** The owner, who has spent without a project, and manages somebody who has not answered for a week. */
async function fill(running: Running): Promise<void> {
  const { store } = running.installation;
  const { orgId } = running.context;
  const now = Date.now();
  const row = { version: 1n, created_at: now, updated_at: now };
  const employee = (address: string, manager: string | null) => ({
    org_id: orgId,
    employee_id: address,
    email: address,
    name: null,
    title: null,
    primary_team_id: null,
    manager_id: manager,
    external_id: null,
    active: 1n,
    ...row,
  });
  await asMember(running, bob);
  await store.transact(async (db) => {
    await db.insertInto("employees").values(employee(email, null)).execute();
    await db.insertInto("employees").values(employee(bob, email)).execute();
    for (const [id, name] of [
      ["web", "Website"],
      ["api", "The API"],
    ] as const)
      await db
        .insertInto("projects")
        .values({
          org_id: orgId,
          project_id: id,
          name,
          team_id: null,
          cost_centre: null,
          marker: `github.com/acme/${id}`,
          archived_at: null,
          ...row,
        })
        .execute();
    await db
      .insertInto("nudges")
      .values({
        org_id: orgId,
        nudge_id: "of-bob",
        subject: bob,
        track: "OFF_PROJECT_SPEND",
        period: periodOf(now),
        day: dateOf(now),
        rule_version: 1n,
        tier: 3n,
        message: "Your calls of this month that belong to no project come to $300.00 at list price.",
        amount_nano_usd: 300_000_000_000n,
        signal_ids: "[]",
        nudged_at: now,
        answer: null,
        answered_at: null,
        answered_amount_nano_usd: null,
      })
      .execute();
  });
  const occurredAt = new Date(now).toISOString();
  const call = (seq: number, sessionId: string, costUsd: string, project: string | null): CallEvent =>
    callEvent({ seq, sessionId, occurredAt, costUsd, project, billing: "plan" });
  const events = [
    call(1, "s1", "180", null),
    call(2, "s2", "70", null),
    call(3, "s3", "5", "github.com/acme/api"),
  ];
  const batch = { source: randomUUID(), batch: randomUUID(), events };
  await ingestSessions(store, { orgId, subject: email as Subject, now, batch });
  await runNudges({ store, clock: systemClock }, orgId);
}

async function signedIn(
  { running, browser }: { running: Running; browser: Browser },
  scheme: "light" | "dark" = "light",
): Promise<Visit & AsyncDisposable> {
  const made = await visit(browser, running.address, scheme);
  await signIn(made.page, email, password);
  return { ...made, [Symbol.asyncDispose]: () => made.context.close() };
}

test.serial("sessions marked as a project's answer the nudge about them", async (t) => {
  await using visited = await signedIn(t.context);
  const { page, faults } = visited;
  await page.goto("/app/me/ai-usage");
  const card = page.getByRole("region", { name: "Spend without a project" });
  await card.getByText("$250.00").waitFor();
  await card.getByText("acknowledgement required").waitFor();
  t.deepEqual(await breachesOf(page), []);
  const count = page.getByRole("navigation", { name: "Main" }).getByText("1 to answer");
  await count.waitFor();

  await page.getByRole("button", { name: "Choose sessions to mark" }).click();
  const table = page.getByRole("table", { name: "My sessions" });
  await table.getByText("$5.00").waitFor({ state: "detached" });
  const dear = table.getByRole("row").filter({ hasText: "$180.00" });
  await dear.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Mark 1 as a project …" }).click();
  const dialog = page.getByRole("dialog", { name: "Mark 1 session" });
  await dialog.getByRole("button", { name: "The API" }).waitFor();
  await dialog.getByRole("searchbox", { name: "Project" }).fill("webs");
  await dialog.getByRole("button", { name: "The API" }).waitFor({ state: "detached" });
  t.deepEqual(await breachesOf(page), []);
  await dialog.getByRole("button", { name: "Website" }).click();
  await page.getByText("One session: marked as Website.").waitFor();
  await card.getByText("$70.00").waitFor();
  await card.getByText("heads-up").waitFor();
  await page
    .getByRole("article", { name: /^Spend without a project/ })
    .getByText(/; marked /)
    .waitFor();
  await dear.waitFor({ state: "detached" });
  await count.waitFor({ state: "detached" });

  await page.getByLabel("Only those that belong to no project").uncheck();
  await dear.getByText("marked by you").waitFor();
  await dear.getByRole("button", { name: /^Note on/ }).click();
  await page.getByLabel("Note, which nobody else sees").fill("a spike for the relaunch");
  await page.getByRole("button", { name: "Keep" }).click();
  await dear.getByText("a spike for the relaunch").waitFor();
  await dear.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Take the mark back" }).click();
  await card.getByText("$250.00").waitFor();
  t.deepEqual(faults, []);
});

test.serial("a nudge is replied to, and another acknowledged", async (t) => {
  const { store } = t.context.running.installation;
  const { orgId } = t.context.running.context;
  const evidence = { paidUsd: "250.00" };
  const found = { subject: email, sessionId: null, service: null, about: "", occurrence: "today" };
  await store.transact((db) =>
    storeFindings(
      db,
      orgId,
      [{ type: "spend_spike", severity: "WARN", ...found, at: Date.now(), evidence }],
      Date.now(),
    ),
  );
  await runNudges({ store, clock: systemClock }, orgId);
  await using visited = await signedIn(t.context, "dark");
  const { page, faults } = visited;
  await page.goto("/app/me/ai-usage");
  const signals = page.getByRole("region", { name: "Signals about what was done" });
  await signals.getByText("heads-up").waitFor();
  t.deepEqual(await breachesOf(page), []);
  await page
    .getByRole("article", { name: /^Signals about what was done/ })
    .getByRole("button", { name: "Acknowledge" })
    .click();
  await signals.getByText("clear").waitFor();

  const told = page.getByRole("article", { name: /^Spend without a project/ });
  await told.getByRole("button", { name: "Reply …" }).click();
  await told.getByRole("textbox", { name: "Reply" }).fill("It was the relaunch.");
  t.deepEqual(await breachesOf(page), []);
  await told.getByRole("button", { name: "Send reply" }).click();
  await told.getByRole("list").getByText("It was the relaunch.").waitFor();
  t.deepEqual(faults, []);
});

test.serial("a manager reads what went unanswered, and replies", async (t) => {
  for (const scheme of ["light", "dark"] as const) {
    await using visited = await signedIn(t.context, scheme);
    const { page, faults } = visited;
    await page.goto("/app/governance/standing");
    const person = page.getByRole("region", { name: `${bob}, Spend without a project` });
    await person.getByText("come to $300.00").waitFor();
    await person.getByRole("button", { name: "Reply …" }).click();
    await person.getByRole("textbox", { name: "Reply" }).fill(`What was it for, in ${scheme}?`);
    t.deepEqual(await breachesOf(page), []);
    await person.getByRole("button", { name: "Send reply" }).click();
    await person.getByRole("listitem").getByText(`What was it for, in ${scheme}?`).waitFor();
    t.deepEqual(await breachesOf(page), []);
    t.is(await page.getByRole("region", { name: new RegExp(`^${email}`) }).count(), 0, "nothing of oneself");
    t.deepEqual(faults, []);
  }
});

test.serial("a connected application is disconnected", async (t) => {
  const { store } = t.context.running.installation;
  const adapter = createOAuthAdapter(store, systemClock);
  const owner = await store.reader
    .selectFrom("members")
    .select(["org_id", "member_id"])
    .where("email", "=", email)
    .executeTakeFirstOrThrow();
  const accountId = `${owner.org_id}/${owner.member_id}`;
  await adapter("Client").upsert("client-1", { client_id: "client-1", client_name: "Claude" }, 3600);
  const resources = { "https://flowstate.example/mcp": "ai.read" };
  const iat = Math.floor(Date.now() / 1000);
  await adapter("Grant").upsert(
    "grant-1",
    { jti: "grant-1", accountId, clientId: "client-1", iat, resources },
    3600,
  );
  await using visited = await signedIn(t.context, "dark");
  const { page, faults } = visited;
  await page.goto("/app/me/applications");
  const row = page
    .getByRole("table", { name: "Connected applications" })
    .getByRole("row", { name: /Claude/ });
  await row.getByText("read what AI tools cost").waitFor();
  t.deepEqual(await breachesOf(page), []);
  await row.getByRole("button", { name: "Disconnect Claude" }).click();
  const dialog = page.getByRole("dialog", { name: "Disconnect Claude" });
  t.deepEqual(await breachesOf(page), []);
  await dialog.getByRole("button", { name: "Disconnect", exact: true }).click();
  await page.getByText("You have connected no application.").waitFor();
  t.deepEqual(faults, []);
});

test.serial("a destination of signals is paused, resumed, and given a new secret", async (t) => {
  await using visited = await signedIn(t.context);
  const { page, faults } = visited;
  await page.goto("/app/governance/alerts");
  await page.getByText("Where signals are sent").click();
  await page.getByLabel("Name").fill("siem");
  await page.getByLabel("Address").fill("https://siem.example/hook");
  await page.getByRole("button", { name: "Add destination" }).click();
  const secret = page.getByRole("dialog", { name: "Signing secret" });
  const first = await secret.getByText(/^whsec_/).innerText();
  await secret.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Pause siem" }).click();
  const row = page.getByRole("table", { name: "Destinations" }).getByRole("row", { name: /siem/ });
  await row.getByText("paused since").waitFor();
  t.deepEqual(await breachesOf(page), []);
  await page.getByRole("button", { name: "Resume siem" }).click();
  await row.getByText("paused since").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "New secret for siem" }).click();
  t.deepEqual(await breachesOf(page), []);
  await page.getByRole("button", { name: "Make a new secret" }).click();
  t.not(await secret.getByText(/^whsec_/).innerText(), first);
  await secret.getByRole("button", { name: "Close" }).click();
  await row.getByText("two secrets sign until").waitFor();
  t.deepEqual(faults, []);
});
