/** The policy of a made-up company, drafted, tried, put in force and taken back in a real browser. */
import anyTest, { type TestFn } from "ava";
import type { Browser } from "playwright-core";
import { lineOfFault } from "../web/src/pages/policy/lines-of-rules.ts";
import { breachesOf, launchBrowser, signIn, visit, type Visit } from "./support/browser.ts";
import { control } from "./support/program.ts";
import { newMasterKey, startRunning, type Running } from "./support/running.ts";

const test = anyTest as TestFn<{ running: Running; browser: Browser }>;
const email = "owner@example.com";
const password = "a long enough password";

test.before(async (t) => {
  const masterKey = newMasterKey();
  const env = { FLOWSTATE_ADMIN_EMAIL: email, FLOWSTATE_ADMIN_PASSWORD: password };
  const running = await startRunning({ env, masterKey });
  const key = { FLOWSTATE_MASTER_KEY: masterKey.reveal() };
  const seeded = await control(running.dataDir, ["demo", "seed", "--days", "30", "--plain"], key);
  if (seeded.code !== 0) throw new Error(seeded.stderr);
  t.context = { running, browser: await launchBrowser() };
});

test.after.always(async ({ context }) => {
  await context.browser.close();
  await context.running[Symbol.asyncDispose]();
});

async function signedIn(
  { running, browser }: { running: Running; browser: Browser },
  scheme: "light" | "dark" = "light",
): Promise<Visit & AsyncDisposable> {
  const made = await visit(browser, running.address, scheme);
  await signIn(made.page, email, password);
  return { ...made, [Symbol.asyncDispose]: () => made.context.close() };
}

const policyOf = (...rules: readonly object[]): string =>
  JSON.stringify({ summary: "What we have agreements for.", rules }, null, 2);
const providers = (action: string) => ({
  name: "Approved providers",
  type: "PROVIDER_ALLOWLIST",
  providers: ["openai"],
  action,
});

test.serial("a policy is drafted, tried, put in force, replaced and taken back", async (t) => {
  await using visited = await signedIn(t.context);
  const { page, faults } = visited;
  await page.goto("/app/governance/policy");
  await page.getByText("No policy is in force").waitFor();
  t.deepEqual(await breachesOf(page), []);

  await page.getByRole("link", { name: "Draft your first policy" }).click();
  const text = page.getByRole("textbox", { name: "Policy" });
  const save = page.getByRole("button", { name: "Save draft" });
  await text.fill(policyOf(providers("BLOCK"), { name: "No Opus", type: "MODEL_DENYLIST" }));
  await page.getByRole("button", { name: /^Line 12: rule 2 \("No Opus"\): models is missing/ }).click();
  t.is(
    await text.evaluate((area: HTMLTextAreaElement) =>
      area.value.slice(area.selectionStart, area.selectionEnd),
    ),
    "    {",
  );
  t.true(await save.isDisabled());
  t.deepEqual(await breachesOf(page), []);
  await text.fill(policyOf(providers("BLOCK")));
  await page.getByText("It can be drafted.").waitFor();
  await page.getByRole("button", { name: "Dry run over 30 days" }).click();
  await page.getByText(/it would have blocked \d+ people, in \d/).waitFor();
  t.true((await page.getByRole("region", { name: "Dry run by person" }).getByRole("row").count()) > 1);
  t.deepEqual(await breachesOf(page), []);
  await save.click();

  await page.getByRole("heading", { name: "Version 1 draft" }).waitFor();
  await page.getByRole("heading", { name: "Compared with having no policy" }).waitFor();
  await page.getByRole("button", { name: "Activate …" }).click();
  const dialog = page.getByRole("dialog", { name: "Activate version 1" });
  await dialog.getByText(/it would have blocked \d+ people/).waitFor();
  t.deepEqual(await breachesOf(page), []);
  await dialog.getByRole("button", { name: "Activate version 1" }).click();
  await page.getByRole("heading", { name: "Version 1 active" }).waitFor();

  await page.getByRole("link", { name: "New draft from it" }).click();
  await text.fill(policyOf(providers("OBSERVE"), { ...providers("WARN"), name: "Warned about" }));
  await page.getByText("It can be drafted.").waitFor();
  await page.getByLabel("Why (optional)").fill("nobody could work");
  await save.click();
  await page.getByRole("heading", { name: "Compared with version 1, the active one" }).waitFor();
  const changes = page.getByRole("region", { name: "Changes of version 2" });
  await changes.getByText("action: BLOCK -> OBSERVE").waitFor();
  await changes.getByText("Warned about").waitFor();
  await page.getByRole("button", { name: "Activate …" }).click();
  await page.getByText("It takes the place of version 1").waitFor();
  await page.getByRole("button", { name: "Activate version 2" }).click();
  await page.getByRole("heading", { name: "Version 2 active" }).waitFor();

  await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Policy" }).click();
  await page.getByRole("heading", { name: "Version 2 is in force" }).waitFor();
  const [file] = await Promise.all([
    page.waitForEvent("download"),
    page
      .locator(".table-frame", { has: page.getByRole("region", { name: "Policy versions" }) })
      .getByRole("button", { name: "Download CSV" })
      .click(),
  ]);
  t.is(file.suggestedFilename(), "policy-versions.csv");
  await page.getByRole("link", { name: "Version 1" }).click();
  await page.getByRole("heading", { name: "Version 1 archived" }).waitFor();
  await page.getByRole("button", { name: "Roll back to it …" }).click();
  await page.getByRole("button", { name: "Make the draft" }).click();
  await page.getByRole("heading", { name: "Version 3 draft" }).waitFor();
  await page.getByText("back to version 1").waitFor();
  t.deepEqual(await breachesOf(page), []);
  await page.getByRole("button", { name: "Discard draft" }).click();
  await page.getByText("The draft 3 is gone.").waitFor();
  await page.getByRole("heading", { name: "Version 2 is in force" }).waitFor();
  t.is(await page.getByRole("link", { name: "Version 3" }).count(), 0);
  t.deepEqual(faults, []);
});

const aboutAnswers = (action: string) => ({
  name: "No promises",
  type: "CONTENT_DLP",
  in: "answer",
  phrases: ["guaranteed returns"],
  action,
});

test.serial("a rule about answers cannot block, and is kept as one that warns", async (t) => {
  await using visited = await signedIn(t.context);
  const { page, faults } = visited;
  await page.goto("/app/governance/policy?draft=2");
  const text = page.getByRole("textbox", { name: "Policy" });
  const save = page.getByRole("button", { name: "Save draft" });
  await text.fill(policyOf(aboutAnswers("BLOCK")));
  await page
    .getByRole("button", { name: /rule 1 \("No promises"\): action must be OBSERVE or WARN/ })
    .waitFor();
  t.true(await save.isDisabled());
  t.deepEqual(await breachesOf(page), []);
  await text.fill(policyOf(aboutAnswers("WARN")));
  await page.getByText("It can be drafted.").waitFor();
  await page.getByRole("button", { name: "Dry run over 30 days" }).click();
  await page.getByText("what was answered is not kept").waitFor();
  await save.click();
  await page.getByRole("heading", { name: /^Version \d+ draft$/ }).waitFor();
  const rules = page.getByRole("region", { name: /^Rules of version/ });
  await rules.getByText("what is answered holds no listed phrase").waitFor();
  t.deepEqual(await breachesOf(page), []);
  await page.getByRole("button", { name: "Discard draft" }).click();
  await page.getByRole("heading", { name: "Version 2 is in force" }).waitFor();
  t.deepEqual(faults, []);
});

test.serial("the pages of the policy keep to WCAG 2.2 AA in the dark", async (t) => {
  await using visited = await signedIn(t.context, "dark");
  const { page, faults } = visited;
  for (const address of ["", "?version=1", "?version=2", "?draft=2"]) {
    await page.goto(`/app/governance/policy${address}`);
    t.deepEqual(await breachesOf(page), [], address);
  }
  t.deepEqual(faults, []);
});

const laidOut = `{
  "summary": "\\"rules\\": [ } ]",
  "rules": [
    { "name": "a", "more": [1, 2] },

    {
      "name": "b" }, 7
  ]
}`;
const faultLines: readonly (readonly [document: string, fault: string, line: number | null])[] = [
  [laidOut, 'rule 1 ("a"): type is missing', 4],
  [laidOut, 'rule 2 ("b"): type is missing', 6],
  [laidOut, "rule 3 must be an object", 7],
  [laidOut, "rule 4 must be an object", null],
  [laidOut, "the policy: summary is too long", null],
  ['{"rules":\n[{"name":1}]}', "rule 1: name must be a text", 2],
  ['{"rules": []}', "rule 1: name must be a text", null],
  ["{\n a", "the policy is not JSON: Expected property name at position 3 (line 2 column 2)", 2],
  ["{\n\n", "the policy is not JSON: Unexpected end of JSON input", 3],
];

test("a fault leads to the line of its rule, or to where the text stops being JSON", (t) => {
  for (const [document, fault, line] of faultLines) t.is(lineOfFault(document, fault), line, fault);
});
