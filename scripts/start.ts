/**
 * `npm start`: runs the whole product on this machine. Mints a local certificate for the proxy, starts the control
 * plane and one proxy in processes of their own, restarts the one that dies, and drains both on Ctrl-C.
 */
import { mkdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describeError, exitCodeOf } from "@flowstate/shared/cli";
import { loadConfig } from "@flowstate/shared/config/load";
import { untilSignal } from "@flowstate/shared/lifecycle";
import { buildWeb } from "./build-web.ts";
import { startOptions } from "./start/config.ts";
import { ensureEnrolment } from "./start/enrol-proxy.ts";
import { ensureLocalCertificate } from "./start/local-certificate.ts";
import { ExitedEarly, supervise, type Ready, type Supervised } from "./start/supervise.ts";

const drainMs = 15_000;
const root = resolve(import.meta.dirname, "..");
const controlPlaneScript = join(root, "control-plane/src/main.ts");
const running: Supervised[] = [];

try {
  await start();
} catch (error) {
  if (!(error instanceof ExitedEarly)) process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = error instanceof ExitedEarly ? error.exitCode : exitCodeOf(error);
} finally {
  // The proxy goes first, so that its last meter rows still find the control plane.
  for (const program of running.reverse()) await program.stop(drainMs);
}

async function start(): Promise<void> {
  const signal = untilSignal();
  await buildWeb();
  const config = loadConfig(startOptions, process.env);
  const dataDir = resolve(config.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const names = ["localhost", "127.0.0.1", "::1", ...(config.publicHost === null ? [] : [config.publicHost])];
  const certificate =
    config.certificate === null ? ensureLocalCertificate(join(dataDir, "tls"), names) : null;
  const env = { ...process.env, FLOWSTATE_DATA_DIR: dataDir, FLOWSTATE_LOG_LEVEL: config.logLevel };

  const controlPlane = run("control plane", controlPlaneScript, (last) => ({
    ...env,
    ...samePort("FLOWSTATE_HTTP_PORT", last?.address),
  }));
  const controlPlaneReady = await controlPlane.ready;
  await ensureEnrolment(
    join(dataDir, "proxy/enrolment-token"),
    controlPlaneReady.address,
    controlPlaneScript,
    env,
  );

  const proxy = run("proxy", join(root, "proxy/src/main.ts"), (last) => ({
    ...env,
    FLOWSTATE_CONTROL_PLANE: controlPlaneReady.address,
    ...(certificate === null
      ? {}
      : { FLOWSTATE_PROXY_CERT: certificate.certificateFile, FLOWSTATE_PROXY_KEY: certificate.keyFile }),
    ...samePort("FLOWSTATE_PROXY_PORT", last?.address),
    ...samePort("FLOWSTATE_PROXY_ADMIN_PORT", last?.admin),
  }));
  process.stdout.write(welcome(controlPlaneReady, await proxy.ready, certificate?.caFile ?? null, dataDir));
  process.stdout.write(`\n${await signal}: draining …\n`);
}

function run(name: string, script: string, env: (last: Ready | null) => NodeJS.ProcessEnv): Supervised {
  const program = supervise({
    name,
    script,
    args: ["serve"],
    env,
    onRestart: (_, how, waitMs) => {
      process.stderr.write(
        `${name} ended (${how}); starting it again${waitMs > 0 ? ` in ${waitMs} ms` : ""}\n`,
      );
    },
  });
  running.push(program);
  return program;
}

/** A restarted program takes the port it had, even where it was first given a free one. */
function samePort(variable: string, address: string | undefined): NodeJS.ProcessEnv {
  return address === undefined ? {} : { [variable]: new URL(address).port || undefined };
}

function welcome(controlPlane: Ready, proxy: Ready, caFile: string | null, dataDir: string): string {
  const here = (file: string): string => relative(process.cwd(), file) || ".";
  const signIn = controlPlane.signInLink;
  const authority = caFile === null ? "" : ` --proxy-cacert ${here(caFile)}`;
  return [
    "Flowstate is running.",
    "",
    `  admin          ${controlPlane.address}`,
    ...(signIn ? [`  first sign-in  ${signIn}`, "                 (works once, for 24 hours)"] : []),
    `  proxy          ${proxy.address}`,
    ...(caFile === null ? [] : [`  CA file        ${here(caFile)}`]),
    `  metrics        ${proxy.admin}/metrics`,
    `  data           ${here(dataDir)}`,
    "",
    "Check that a request is metered:",
    "",
    "  export FLOWSTATE_ORG_KEY=$(npx flowstate-control org-key provision --org default)",
    `  curl -sS -i --proxy ${proxy.address}${authority} \\`,
    '    --proxy-user "person@example.com:$FLOWSTATE_ORG_KEY" https://api.openai.com/v1/models | head -20',
    "",
    "Ctrl-C stops it.",
    "",
  ].join("\n");
}
