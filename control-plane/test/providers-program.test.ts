/** Usage providers as an admin meets them: over GraphQL and the command line, with a real server that dies in between. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { createApiKey } from "../src/keys/provision.ts";
import { requireOrg } from "../src/orgs/orgs.ts";
import { systemClock } from "@flowstate/shared/clock";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { addDays, dateOf } from "@flowstate/shared/time";
import { openSqlite } from "@flowstate/shared/sqlite";
import { permissions } from "../src/access/permissions.ts";
import { readConfig } from "../src/config.ts";
import { openInstallation } from "../src/secrets/installation.ts";
import { control, serve, stop } from "./support/program.ts";
import { askGraphql, startRunning } from "./support/running.ts";
import {
  anthropicAdminKey,
  emptyAnthropic,
  startAnthropic,
  type AnthropicWorld,
} from "./support/vendors/anthropic.ts";

const allowed = { FLOWSTATE_ALLOW_PROVIDER_BASE_URL: "1" };
const wrongKey = "sk-ant-admin01-planted-wrong-Tt5Gh2Bn8Kl";

function acme(linesInDay = 2): AnthropicWorld {
  return {
    ...emptyAnthropic(),
    users: [{ id: "user_ada", email: "ada@example.com", name: "Ada" }],
    costs: (day) =>
      Array.from({ length: linesInDay }, (_, index) => ({
        amount: `${index}${day.slice(-2)}`,
        description: `line ${index}`,
        workspace: "wrkspc_1",
      })),
  };
}

const addMutation = `mutation ($credentials: [CredentialInput!]!) {
  addUsageProvider(kind: ANTHROPIC, credentials: $credentials) { id name state lastError }
}`;

function credentials(url: string, key = anthropicAdminKey) {
  return {
    credentials: [
      { name: "adminKey", value: key },
      { name: "baseUrl", value: url },
    ],
  };
}

test("an admin adds, tests, syncs, rotates and removes a provider", async (t) => {
  await using vendor = await startAnthropic(acme());
  await using running = await startRunning({ env: allowed });
  const key = await running.apiKey(...permissions);
  const ask = (query: string, variables?: Record<string, unknown>) => running.graphql(key, query, variables);

  const wrong = await ask(addMutation, credentials(vendor.url, wrongKey));
  t.deepEqual(wrong.codes, ["FS_UPSTREAM"]);
  t.regex(wrong.messages[0] ?? "", /^Anthropic: invalid x-api-key: \[credential\] \(HTTP 401/);
  t.deepEqual((await ask("{ usageProviders { id } }")).data, { usageProviders: [] });

  const { data, messages } = await ask(addMutation, credentials(vendor.url));
  t.deepEqual(messages, []);
  const { id } = data["addUsageProvider"] as { id: string };
  const list = "{ usageProviders { kind state lastError coveredTo runs(limit: 1) { state lines added } } }";
  const listed = await until(
    "the server to have pulled the newest days",
    async () => {
      const answer = (await ask(list)).data["usageProviders"] as readonly Record<string, unknown>[];
      return answer[0]?.["coveredTo"] == null || answer[0]["state"] === "SYNCING" ? null : answer[0];
    },
    90_000,
  );
  t.like(listed, { kind: "ANTHROPIC", state: "ACTIVE", lastError: null, coveredTo: dateOf(Date.now()) });

  const yesterday = addDays(dateOf(Date.now()), -1);
  const result = "{ ok rows from to error added }";
  const tested = await ask(`mutation { testUsageProvider(id: "${id}") ${result} }`);
  t.deepEqual(tested.data["testUsageProvider"], {
    ok: true,
    rows: 2,
    from: yesterday,
    to: yesterday,
    error: null,
    added: 0,
  });
  const synced = await ask(
    `mutation { syncUsageProvider(id: "${id}", from: "2025-01-01", to: "2025-01-03") ${result} }`,
  );
  t.like(synced.data["syncUsageProvider"], { ok: true, rows: 6, added: 6 });
  const future = await ask(`mutation { syncUsageProvider(id: "${id}", to: "2999-01-01") ${result} }`);
  t.deepEqual(future.codes, ["FS_INPUT_INVALID"]);

  vendor.fail({ kind: "reply", status: 403, body: { error: { message: "the key was disabled" } } });
  const failed = await ask(`mutation { testUsageProvider(id: "${id}") ${result} }`);
  t.like(failed.data["testUsageProvider"], {
    ok: false,
    rows: 0,
    error: "Anthropic: the key was disabled (HTTP 403, /v1/organizations/users)",
  });

  const rotate = `mutation ($credentials: [CredentialInput!]!) { rotateUsageProvider(id: "${id}", credentials: $credentials) { state lastError } }`;
  t.deepEqual((await ask(rotate, credentials(vendor.url, wrongKey))).codes, ["FS_UPSTREAM"]);
  t.deepEqual((await ask(rotate, credentials(vendor.url))).codes, []);
  t.deepEqual((await ask(`mutation { removeUsageProvider(id: "${id}") }`)).data, {
    removeUsageProvider: true,
  });
  t.deepEqual((await ask("{ usageProviders { id } }")).data, { usageProviders: [] });
  const audit = (await ask("{ auditLog(limit: 10) { action target } }")).data["auditLog"] as readonly {
    action: string;
  }[];
  t.deepEqual(
    audit.map(({ action }) => action).filter((action) => action.startsWith("usage_provider")),
    ["usage_provider.removed", "usage_provider.credentials_replaced", "usage_provider.added"],
  );
});

test("an address of one's own is refused unless the setting allows it", async (t) => {
  await using vendor = await startAnthropic(acme());
  await using running = await startRunning();
  const key = await running.apiKey("SETTINGS_INTEGRATIONS_UPDATE");
  const { codes, messages } = await running.graphql(key, addMutation, credentials(vendor.url));
  t.deepEqual(codes, ["FS_INPUT_INVALID"]);
  t.regex(messages[0] ?? "", /baseUrl is refused unless FLOWSTATE_ALLOW_PROVIDER_BASE_URL=1/);
  t.deepEqual(vendor.calls, []);
});

test("the form says what each provider takes", async (t) => {
  await using running = await startRunning();
  const key = await running.apiKey("SETTINGS_INTEGRATIONS_VIEW");
  const query =
    "{ usageProviderForms { kind label configurationFree fields { name secret required hint pattern } } }";
  const forms = (await running.graphql(key, query)).data["usageProviderForms"] as readonly {
    kind: string;
    configurationFree: boolean;
    fields: readonly { name: string; secret: boolean; pattern: string | null }[];
  }[];
  t.true(forms.find(({ kind }) => kind === "GEMINI")?.configurationFree);
  t.deepEqual(
    forms.find(({ kind }) => kind === "ANTHROPIC")?.fields.map(({ name, secret }) => [name, secret]),
    [
      ["adminKey", true],
      ["analyticsKey", true],
    ],
  );
  for (const { fields } of forms)
    for (const { pattern } of fields) t.notThrows(() => new RegExp(pattern ?? "", "u"));
});

test("commands do the same, with credentials from standard input or a private file", async (t) => {
  await using vendor = await startAnthropic(acme());
  using folder = temporaryFolder();
  const given = JSON.stringify({ adminKey: anthropicAdminKey, baseUrl: vendor.url });
  const run = (args: readonly string[], input: string | null = null) =>
    control(folder.path, ["provider", ...args], allowed, [], input);
  const added = await run(["add", "anthropic", "--credentials", "-", "--json"], given);
  t.is(added.code, 0, added.stderr);
  const { id, lines } = JSON.parse(added.stdout) as { id: string; lines: number };
  t.is(lines, 4);
  const synced = await run(["sync", id, "--from", "2026-10-01", "--to", "2026-10-10", "--json"]);
  t.deepEqual(JSON.parse(synced.stdout), {
    from: "2026-10-01",
    to: "2026-10-10",
    lines: 20,
    added: 20,
    revised: 0,
    withdrawn: 0,
  });
  t.regex((await run(["test", id])).stdout, /: 2 lines, 2 new, 0 restated, 0 withdrawn\n$/);
  const file = join(folder.path, "credentials.json");
  writeFileSync(file, given, { mode: 0o644 });
  const open = await run(["rotate", id, "--credentials", file]);
  t.deepEqual([open.code, /can be read by others/.test(open.stderr)], [65, true]);
  const unknown = await run(["add", "nothing"]);
  t.deepEqual([unknown.code, unknown.stderr.startsWith('"nothing" is no kind')], [65, true]);
  t.regex((await run(["remove", id])).stdout, /history stays/);
  t.is((await run(["list"])).stdout, "");
});

test("a server killed in the middle of a pull goes on where it was, and ends in the same rows", async (t) => {
  const world = acme(300);
  await using vendor = await startAnthropic(world);
  using folder = temporaryFolder();
  const given = JSON.stringify({ adminKey: anthropicAdminKey, baseUrl: vendor.url });
  const added = await control(
    folder.path,
    ["provider", "add", "anthropic", "--credentials", "-"],
    allowed,
    [],
    given,
  );
  t.is(added.code, 0, added.stderr);
  const file = join(folder.path, "control-plane.db");
  const count = (where = "1=1"): number => {
    const db = openSqlite(file, { readOnly: true });
    try {
      return Number(db.prepare(`SELECT count(*) FROM billing_rows WHERE ${where}`).pluck().get());
    } finally {
      db.close();
    }
  };
  const first = await serve(folder.path, allowed);
  await until("some rows to be there", () => count() > 2000);
  await stop(first, "SIGKILL");
  t.true(count() < 181 * 300, "the pull was not over");
  const db = openSqlite(file);
  // The dead process would hold its lease for two minutes.
  db.prepare("UPDATE jobs SET lease_expires_at = 0 WHERE name LIKE 'provider-sync/%'").run();
  db.close();
  const second = await serve(folder.path, allowed);
  await until("all rows to be there", () => count() === 181 * 300, 110_000);
  t.is(await stop(second), 0);
  t.is(count("revision <> 1 OR withdrawn_at IS NOT NULL"), 0);
  t.deepEqual(vendor.violations, []);
});

test("no planted credential stands in a log, an answer, a backup, the process list or the database", async (t) => {
  await using vendor = await startAnthropic(acme());
  using folder = temporaryFolder();
  let log = "";
  const env = { ...allowed, FLOWSTATE_LOG_LEVEL: "trace" };
  const server = await serve(folder.path, env, (text) => (log += text));
  const config = readConfig({ FLOWSTATE_DATA_DIR: folder.path });
  const answers: unknown[] = [];
  {
    await using installation = await openInstallation(config, systemClock);
    const { store, master } = installation;
    const { orgId } = await requireOrg(store.reader, "default");
    const context = { orgId, actor: "test", pepper: master.pepper, now: Date.now() };
    const request = { name: "test", permissions, expiresAt: null };
    const { key } = await store.transact((db) => createApiKey(db, context, request));
    const ask = async (query: string, variables: Record<string, unknown> = {}) => {
      answers.push(await askGraphql(server.address, key, query, variables));
    };
    const echo = {
      kind: "reply",
      status: 400,
      body: { error: { message: `you sent ${anthropicAdminKey}` } },
    } as const;
    await ask(addMutation, credentials(vendor.url, wrongKey));
    vendor.fail(echo);
    await ask(addMutation, credentials(vendor.url));
    await ask(addMutation, credentials(`${vendor.url}/?key=${anthropicAdminKey}`, `${wrongKey}\n`));
    vendor.fail({ kind: "reply", status: 200, body: { [anthropicAdminKey]: anthropicAdminKey } });
    await ask(addMutation, credentials(vendor.url));
    await ask(addMutation, credentials(vendor.url));
    vendor.fail(...Array.from({ length: 40 }, () => echo));
    await until("a failed sync", async () => {
      await ask(
        "{ usageProviders { id kind name state lastError runs { error } } auditLog { action target detail } }",
      );
      return log.includes("usage provider sync failed");
    });
  }
  const backup = join(folder.path, "backup.db");
  vendor.fail({ kind: "silent" });
  const given = JSON.stringify({
    adminKey: anthropicAdminKey,
    baseUrl: vendor.url,
    analyticsKey: "sk-ant-api01-planted",
  });
  const adding = control(
    folder.path,
    ["provider", "add", "anthropic", "--name", "second", "--credentials", "-"],
    env,
    [],
    given,
  );
  const before = vendor.calls.length;
  await until("the command to wait for the vendor", () => vendor.calls.length > before);
  const commandLines = processTexts();
  const { stdout, stderr } = await adding;
  const backedUp = await control(folder.path, ["backup", backup]);
  t.is(backedUp.code, 0, backedUp.stderr);
  await stop(server);
  const places: Record<string, string> = {
    log,
    answers: JSON.stringify(answers),
    backup: readFileSync(backup, "latin1"),
    "process list": commandLines,
    "command output": stdout + stderr,
  };
  for (const name of readdirSync(folder.path)) {
    if (!name.startsWith("backup")) places[name] = readFileSync(join(folder.path, name), "latin1");
  }
  t.true(log.includes("usage provider sync failed"));
  t.true(places["answers"]?.includes("[credential]"));
  for (const [place, text] of Object.entries(places)) {
    for (const secret of [anthropicAdminKey, wrongKey, "sk-ant-api01-planted"]) {
      for (const form of [
        secret,
        Buffer.from(secret).toString("base64"),
        Buffer.from(secret).toString("hex"),
      ]) {
        t.false(text.includes(form), `${place} holds ${secret}`);
      }
    }
  }
});

/** Command line and environment of every process that may be read, as on Linux. */
function processTexts(): string {
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return ids.map((id) => readOr(`/proc/${id}/cmdline`) + readOr(`/proc/${id}/environ`)).join("\n");
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
