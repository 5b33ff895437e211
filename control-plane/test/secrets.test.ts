/** What rotating the master key leaves, whatever happens in between. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { on, once } from "node:events";
import { existsSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import test from "ava";
import { systemClock } from "@flowstate/shared/clock";
import { isFlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { createApiKey } from "../src/keys/provision.ts";
import { createKeyring } from "../src/keys/keyring.ts";
import { readClientSecret, storeOidcSettings } from "../src/login/oidc/settings.ts";
import { requireOrg } from "../src/orgs/orgs.ts";
import { readConfig } from "../src/config.ts";
import { unsealCredentials } from "../src/providers/credentials.ts";
import { insertIntegration } from "../src/providers/integrations.ts";
import { proveMasterKey } from "../src/secrets/canary.ts";
import { openInstallation } from "../src/secrets/installation.ts";
import { deriveKeys, readMasterKey, writeNewKey } from "../src/secrets/master-key.ts";
import { withKeptPepper } from "../src/secrets/pepper.ts";
import { requireCurrentKey, rewrapAll } from "../src/secrets/rotate.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { control, main } from "./support/program.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const credentials = { adminKey: new Secret("sk-planted-secret") };

const identityProvider = {
  issuer: "https://login.example.com",
  clientId: "flowstate",
  emailDomains: ["example.com"],
  defaultRole: null,
  groupClaim: null,
  groupRoles: [],
  onlyOidc: false,
};

async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    if (!isFlowstateError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

testOnBothEngines(
  "after a rotation the new key opens everything and the old one nothing",
  async (t, { store, orgId }) => {
    const old = deriveKeys(randomBytes(32));
    const next = deriveKeys(randomBytes(32));
    await proveMasterKey(store, old);
    const { pepper } = await withKeptPepper(store, old);
    const context = { orgId, actor: "admin@example.com", now };
    const connection = { kind: "ANTHROPIC", name: "Anthropic", credentials, account: null } as const;
    const providerId = await store.transact((db) =>
      insertIntegration(db, context, connection, { ...old, pepper }),
    );
    await store.transact((db) =>
      storeOidcSettings(db, context, identityProvider, new Secret("oidc-planted-secret"), { ...old, pepper }),
    );
    t.is(await rewrapAll(store, old, next), 4);
    await proveMasterKey(store, next);
    t.regex(await refusal(proveMasterKey(store, old)), /^FS_MASTER_KEY/);
    t.deepEqual((await withKeptPepper(store, next)).pepper, pepper);
    const { sealed_credentials: sealed } = await store.reader
      .selectFrom("usage_providers")
      .select("sealed_credentials")
      .where("provider_id", "=", providerId)
      .executeTakeFirstOrThrow();
    const opened = unsealCredentials(sealed ?? "", { orgId, providerId }, next);
    t.is(opened["adminKey"]?.reveal(), "sk-planted-secret");
    t.is((await readClientSecret(store.reader, orgId, next))?.reveal(), "oidc-planted-secret");
    t.regex(
      await refusal(store.transact((db) => requireCurrentKey(db, old))),
      /^FS_MASTER_KEY the master key was rotated: restart/,
    );
  },
);

test("flowstate-control secrets rotate: access keys stay valid, and the next start finds its key", async (t) => {
  using folder = temporaryFolder();
  const config = readConfig({ FLOWSTATE_DATA_DIR: folder.path });
  await control(folder.path, ["migrate"]);
  await control(folder.path, ["org", "create", "acme"]);
  let key: string;
  {
    await using before = await openInstallation(config, systemClock);
    const { orgId } = await requireOrg(before.store.reader, "acme");
    const { pepper } = before.master;
    const given = { name: "ci", permissions: ["AUDIT_VIEW"] as const, expiresAt: null };
    const made = await before.store.transact((db) =>
      createApiKey(db, { orgId, actor: "operator", pepper, now: Date.now() }, given),
    );
    key = made.key;
  }
  const first = readMasterKey(join(folder.path, "master.key"));
  const rotated = await control(folder.path, ["secrets", "rotate"]);
  t.is(rotated.code, 0, rotated.stderr);
  t.not(readMasterKey(join(folder.path, "master.key")).id, first.id);
  await using after = await openInstallation(config, systemClock);
  const keyring = createKeyring(after.store, after.master.pepper);
  t.truthy(await keyring.check(key, "api"));
});

test("a rotation that was killed is finished by the next start, or never was", async (t) => {
  using folder = temporaryFolder();
  const config = readConfig({ FLOWSTATE_DATA_DIR: folder.path });
  const own = join(folder.path, "master.key");
  const next = `${own}.next`;
  {
    await using installation = await openInstallation(config, systemClock);
    // Killed before the database was wrapped: the file is there, and means nothing.
    writeNewKey(next);
    t.is(installation.master.id, readMasterKey(own).id);
  }
  {
    await using installation = await openInstallation(config, systemClock);
    // Killed after: the database is wrapped under a key that has not its place yet.
    await rewrapAll(installation.store, installation.master, readMasterKey(next));
  }
  const { id } = readMasterKey(next);
  await using finished = await openInstallation(config, systemClock);
  t.is(finished.master.id, id);
  t.is(readMasterKey(own).id, id);
  t.false(existsSync(next));
});

test("a rotation killed while it runs leaves an installation that opens", async (t) => {
  using folder = temporaryFolder();
  const config = readConfig({ FLOWSTATE_DATA_DIR: folder.path });
  await control(folder.path, ["migrate"]);
  for (const afterMs of [0, 2, 10]) {
    const arrival = watch(folder.path);
    const rotation = spawn(process.execPath, [main, "secrets", "rotate"], {
      env: { ...process.env, FLOWSTATE_DATA_DIR: folder.path },
      stdio: "ignore",
    });
    const ended = once(rotation, "close");
    for await (const [, file] of on(arrival, "change")) if (file === "master.key.next") break;
    arrival.close();
    await setTimeout(afterMs);
    rotation.kill("SIGKILL");
    await ended;
    await using installation = await openInstallation(config, systemClock);
    t.is(installation.master.id, readMasterKey(join(folder.path, "master.key")).id);
  }
});

test("a key file that is given is used, and a bad one changes nothing", async (t) => {
  using folder = temporaryFolder();
  await control(folder.path, ["migrate"]);
  const elsewhere = join(folder.path, "elsewhere.key");
  const rotated = await control(folder.path, ["secrets", "rotate", "--to", elsewhere]);
  t.is(rotated.code, 0, rotated.stderr);
  t.regex(rotated.stdout, /FLOWSTATE_MASTER_KEY_FILE/);
  t.not((await control(folder.path, ["migrate"])).code, 0);
  const env = { FLOWSTATE_MASTER_KEY_FILE: elsewhere };
  t.is((await control(folder.path, ["migrate"], env)).code, 0);
  const again = await control(folder.path, ["secrets", "rotate", "--to", elsewhere], env);
  t.regex(again.stderr, /in use already/);
  const bad = join(folder.path, "bad.key");
  writeFileSync(bad, "too short");
  const refused = await control(folder.path, ["secrets", "rotate", "--to", bad], env);
  t.regex(refused.stderr, /does not hold 32 bytes in base64/);
  t.is((await control(folder.path, ["migrate"], env)).code, 0);
});
