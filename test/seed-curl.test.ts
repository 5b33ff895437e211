/** The main job as a user does it: `npm start`, provision a key, the curl check of the installation guide, look at the meter. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import {
  runProgram,
  startInstallation,
  type CommandResult,
  type Installation,
} from "./support/installation.ts";
import { startOrigin, type Origin } from "./support/origin.ts";

const test = anyTest as TestFn<{
  installation: Installation;
  origin: Origin;
  folder: Disposable & { path: string };
}>;

test.before(async (t) => {
  const folder = temporaryFolder();
  const [installation, origin] = await Promise.all([startInstallation(), startOrigin(folder.path)]);
  t.context = { installation, origin, folder };
});

test.after.always(async ({ context: { installation, origin, folder } }) => {
  await installation[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

interface Status {
  readonly state: string;
  readonly keyId: string | null;
  readonly firstSeenAt: string | null;
  readonly lastCaptureAt: string | null;
}

interface MeterRow {
  readonly subject: string;
  readonly tunnels: string;
  readonly bytesUp: string;
  readonly bytesDown: string;
}

const status = async (installation: Installation): Promise<Status> =>
  (
    await installation.graphql<{ cloudProxyStatus: Status }>(
      "{ cloudProxyStatus { state keyId firstSeenAt lastCaptureAt } }",
    )
  ).cloudProxyStatus;

const meter = async (installation: Installation): Promise<readonly MeterRow[]> =>
  (
    await installation.graphql<{ subjectMeter: readonly MeterRow[] }>(
      "{ subjectMeter { subject tunnels bytesUp bytesDown } }",
    )
  ).subjectMeter;

const provision = async (
  installation: Installation,
): Promise<{ key: string; keyId: string; revokedKeyId: string | null }> =>
  JSON.parse((await installation.control("org-key", "provision", "--org", "default", "--json")).stdout) as {
    key: string;
    keyId: string;
    revokedKeyId: string | null;
  };

/** The check of the installation guide with a local origin in the provider's place. */
const curl = (
  installation: Installation,
  origin: Origin,
  user: string,
  key: string,
): Promise<CommandResult> => {
  const proxy = ["--proxy", installation.proxy, "--proxy-cacert", installation.caFile, "--noproxy", ""];
  return runProgram(
    "curl",
    ["-sS", "-i", "--max-time", "20", "--cacert", origin.caFile, "--proxy-user", `${user}:${key}`].concat(
      proxy,
      origin.url,
    ),
  );
};

test.serial("from no key to a metered request", async (t) => {
  const { installation, origin } = t.context;
  t.is((await status(installation)).state, "NOT_CONFIGURED");

  const first = await provision(installation);
  t.is(first.revokedKeyId, null);
  t.is((await status(installation)).state, "PENDING");

  const wrong = await curl(installation, origin, "person@example.com", mintKey("org").text);
  t.regex(wrong.stdout + wrong.stderr, /407/);
  t.is(origin.connections(), 0, "a refused credential must cause no connection upstream");

  const right = await until(
    "the proxy to know the key",
    async () => {
      const answer = await curl(installation, origin, "Person@Example.com", first.key);
      return answer.code === 0 ? answer : null;
    },
    5000,
  );
  t.regex(right.stdout, /HTTP\/1\.1 200 OK/);
  t.is(origin.lastHeaders()["proxy-authorization"], undefined);

  const row = await until(
    "the meter, which a request reaches within ten seconds",
    async () => (await meter(installation)).find(({ subject }) => subject === "person@example.com"),
    10_000,
  );
  t.is(row.tunnels, "1");
  t.true(Number(row.bytesUp) > 0 && Number(row.bytesDown) > 0);
  const active = await status(installation);
  t.is(active.state, "ACTIVE");
  t.truthy(active.firstSeenAt);
  t.truthy(active.lastCaptureAt);
});

test.serial("rotation revokes the key before within five seconds", async (t) => {
  const { installation, origin } = t.context;
  const old = await provision(installation);
  await until(
    "the key to work",
    async () => (await curl(installation, origin, "a@example.com", old.key)).code === 0,
    5000,
  );
  const fresh = await provision(installation);
  t.is(fresh.revokedKeyId, old.keyId);
  await until(
    "the old key to be refused",
    async () => {
      const answer = await curl(installation, origin, "a@example.com", old.key);
      return /407/.test(answer.stdout + answer.stderr);
    },
    5000,
  );
  t.is((await curl(installation, origin, "a@example.com", fresh.key)).code, 0);
});

test.serial(
  "the check of the installation guide works word for word, with the printed authority",
  async (t) => {
    const { installation, origin, folder } = t.context;
    const { key } = await provision(installation);
    const script = `
export FLOWSTATE_PROXY='${installation.proxy}'
export FLOWSTATE_USER_EMAIL='person@example.com'
export FLOWSTATE_ORG_KEY='${key}'

curl -sS -i \\
  --proxy "$FLOWSTATE_PROXY" --proxy-cacert '${installation.caFile}' --cacert '${origin.caFile}' \\
  --proxy-user "$FLOWSTATE_USER_EMAIL:$FLOWSTATE_ORG_KEY" \\
  ${origin.url} \\
  -H "Authorization: Bearer $OPENAI_API_KEY" \\
  | head -20
`;
    const file = join(folder.path, "check.sh");
    writeFileSync(file, script);
    const answer = await until(
      "the key to work",
      async () => {
        const result = await runProgram("sh", [file], {
          ...process.env,
          OPENAI_API_KEY: "sk-test",
          no_proxy: "",
          NO_PROXY: "",
        });
        return result.stdout.includes("HTTP/1.1 200 OK") ? result : null;
      },
      5000,
    );
    t.is(answer.code, 0);
    t.is(origin.lastHeaders()["authorization"], "Bearer sk-test");
  },
);

test.serial("a user name that the MDM did not fill in is refused with 407", async (t) => {
  const { installation, origin } = t.context;
  const { key } = await provision(installation);
  await until(
    "the key to work",
    async () => (await curl(installation, origin, "a@example.com", key)).code === 0,
    5000,
  );
  const before = origin.connections();
  for (const user of ["${USER_EMAIL}", "$EMAIL", "{{userEmail}}", "%Email%", "person"]) {
    const answer = await curl(installation, origin, user, key);
    t.regex(answer.stdout + answer.stderr, /407/, user);
  }
  t.is(origin.connections(), before);
});

test.serial("a service account's key meters its account, whatever the user name says", async (t) => {
  const { installation, origin } = t.context;
  const made = await installation.graphql<{
    createServiceAccount: { account: { id: string; subject: string }; key: string };
  }>(
    'mutation { createServiceAccount(name: "Deploy bot", environment: PRODUCTION) { account { id subject } key } }',
  );
  const { account, key } = made.createServiceAccount;
  for (const user of ["boss@example.com", "anything"]) {
    const answer = await until("the proxy to know the key", async () => {
      const tried = await curl(installation, origin, user, key);
      return tried.code === 0 ? tried : null;
    });
    t.regex(answer.stdout, /HTTP\/1\.1 200 OK/);
  }
  const row = await until("the meter", async () =>
    (await meter(installation)).find(({ subject }) => subject === account.subject),
  );
  t.true(Number(row.tunnels) >= 1);
  t.false((await meter(installation)).some(({ subject }) => subject === "boss@example.com"));
  const remove = "mutation ($id: ID!) { deleteServiceAccount(id: $id) }";
  t.deepEqual(await installation.graphql(remove, { id: account.id }), { deleteServiceAccount: true });
  await until("the key to be refused", async () => {
    const answer = await curl(installation, origin, "anything", key);
    return /407/.test(answer.stdout + answer.stderr);
  });
});

test.serial("a policy's rule reaches the proxy, and a refusal names it", async (t) => {
  const { installation, origin } = t.context;
  const { key } = await provision(installation);
  const answers = async (pattern: RegExp): Promise<CommandResult> =>
    until(String(pattern), async () => {
      const answer = await curl(installation, origin, "a@example.com", key);
      return pattern.test(answer.stdout + answer.stderr) ? answer : null;
    });
  await answers(/200 OK/);
  const activate = async (...rules: readonly object[]): Promise<number> => {
    const document = JSON.stringify({ rules });
    const { draftPolicy } = await installation.graphql<{ draftPolicy: { version: number } }>(
      "mutation ($d: String!) { draftPolicy(document: $d) { version } }",
      { d: document },
    );
    await installation.graphql("mutation ($v: Int!) { activatePolicy(version: $v) { state } }", {
      v: draftPolicy.version,
    });
    return Date.now();
  };
  const providers = [origin.host];
  const since = await activate({ name: "Not here", type: "PROVIDER_DENYLIST", action: "BLOCK", providers });
  const refused = await answers(/403 Forbidden/);
  t.log(`refused after ${Date.now() - since} ms`);
  t.regex(refused.stdout, /Proxy-Status: flowstate;error=http_request_denied;details="[^"]+: Not here"/);
  await activate({ name: "Not here", type: "PROVIDER_DENYLIST", action: "WARN", providers });
  await answers(/200 OK/);
});

test.serial("the control plane killed, the proxy serves on and every meter row arrives once", async (t) => {
  const { installation, origin } = t.context;
  const { key } = await provision(installation);
  const subject = "survivor@example.com";
  await until(
    "the key to work",
    async () => (await curl(installation, origin, subject, key)).code === 0,
    5000,
  );
  for (let round = 0; round < 3; round += 1) {
    const pid = installation.pidOf("control-plane");
    if (pid !== null) process.kill(pid, "SIGKILL");
    t.is((await curl(installation, origin, subject, key)).code, 0);
  }
  const row = await until("the meter to be whole", async () => {
    const rows = await meter(installation).catch(() => []);
    return rows.find((found) => found.subject === subject && Number(found.tunnels) >= 4);
  });
  t.is(row.tunnels, "4");
});

test.serial("Ctrl-C drains both programs, and a new start finds everything as it was", async (t) => {
  const { installation, origin } = t.context;
  const before = await meter(installation);
  t.true(before.length > 0);
  t.is(await installation.interrupt(), 0);
  await using again = await startInstallation({ dataDir: installation.dataDir });
  t.deepEqual(await meter(again), before);
  t.is((await status(again)).state, "ACTIVE");
  t.is(origin.connections() > 0, true);
});
