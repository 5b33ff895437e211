/** Tools that cannot use an authenticated TLS proxy reach a provider through the loopback relay, and are metered. */
import test from "ava";
import { createLogger } from "@flowstate/shared/log";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { Secret } from "@flowstate/shared/secret";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { startRelay } from "@flowstate/agent/relay/server";
import { readFileSync } from "node:fs";
import { runProgram, startInstallation } from "./support/installation.ts";
import { startOrigin, type Origin } from "./support/origin.ts";

type Command = readonly [file: string, args: readonly string[], env: NodeJS.ProcessEnv];

const clients: Readonly<Record<string, (relay: string, origin: Origin) => Command>> = {
  curl: (relay, { url, caFile }) => ["curl", ["-fsS", "--proxy", relay, "--cacert", caFile, url], {}],
  wget: (relay, { url, caFile }) => [
    "wget",
    ["-q", "-O", "-", "--tries=1", `--ca-certificate=${caFile}`, url],
    { https_proxy: relay },
  ],
  git: (relay, { host, port, caFile }) => [
    "git",
    [
      "-c",
      `http.proxy=${relay}`,
      "-c",
      `http.sslCAInfo=${caFile}`,
      "ls-remote",
      `https://${host}:${port}/r.git`,
    ],
    { GIT_TERMINAL_PROMPT: "0" },
  ],
  "python urllib": (relay, { url, caFile }) => [
    "python3",
    ["-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).status)", url],
    { https_proxy: relay, SSL_CERT_FILE: caFile },
  ],
  "node fetch": (relay, { url, caFile }) => [
    process.execPath,
    ["-e", `fetch(${JSON.stringify(url)}).then((answer) => answer.text())`],
    { NODE_USE_ENV_PROXY: "1", HTTPS_PROXY: relay, NODE_EXTRA_CA_CERTS: caFile },
  ],
};

test("every client without credentials is metered under the device's person", async (t) => {
  using folder = temporaryFolder();
  await using installation = await startInstallation();
  await using origin = await startOrigin(folder.path);
  const provisioned = await installation.control("org-key", "provision", "--org", "default", "--json");
  const { key } = JSON.parse(provisioned.stdout) as { key: string };
  await using relay = await startRelay({
    port: 0,
    cloudProxy: {
      url: new URL(installation.proxy),
      credential: new Secret(basicCredential({ user: "relayed@example.com", password: key })),
      ca: [readFileSync(installation.caFile, "utf8")],
    },
    whenDown: "fail",
    intercept: null,
    log: createLogger("test", "silent"),
  });
  const bare: NodeJS.ProcessEnv = { PATH: process.env["PATH"], HOME: folder.path };

  let served = 0;
  for (const [name, command] of Object.entries(clients)) {
    const [file, args, env] = command(relay.address, origin);
    const found = await runProgram(file, ["--version"], bare);
    if (found.code !== 0) {
      t.log(`${name}: not on this machine`);
      continue;
    }
    const before = origin.requests();
    const answer = await until(name, async () => {
      const result = await runProgram(file, args, { ...bare, ...env });
      return origin.requests() > before ? result : null;
    });
    // The origin is no git repository, which git says only after its request went through.
    if (name !== "git") t.is(answer.code, 0, `${name}: ${answer.stderr}`);
    t.is(origin.lastHeaders()["proxy-authorization"], undefined, name);
    served += 1;
  }
  t.true(served > 0);
  const query = "{ subjectMeter { subject tunnels } }";
  await until("the meter", async () => {
    const { subjectMeter } = await installation.graphql<{
      subjectMeter: { subject: string; tunnels: string }[];
    }>(query);
    return subjectMeter.find(
      ({ subject, tunnels }) => subject === "relayed@example.com" && Number(tunnels) >= served,
    );
  });
  t.pass();
});
