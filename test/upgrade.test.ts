/** A release from the administrator's command to the program on a device, through a whole installation. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import test from "ava";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { Secret } from "@flowstate/shared/secret";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { decideUpdate } from "@flowstate/agent/update/decide";
import { thisPlatform } from "@flowstate/agent/update/offers";
import { askQuestion } from "@flowstate/agent/update/question";
import { upgrade } from "@flowstate/agent/update/upgrade";
import { version } from "@flowstate/agent/version";
import { standIn, standInMachine } from "../agent/test/support/stand-in.ts";
import { packageRelease } from "../control-plane/test/support/packaged.ts";
import { runProgram, startInstallation } from "./support/installation.ts";

const program = new URL("../agent/src/main.ts", import.meta.url).pathname;

interface Agents {
  readonly agents: readonly {
    readonly subject: string;
    readonly version: string;
    readonly updateAvailable: string | null;
  }[];
}

test("an administrator offers a signed release, a device tells of it, and takes it once it is to", async (t) => {
  await using installation = await startInstallation();
  const { privatePem, publicKey } = generateReleaseKey();
  using machine = standInMachine(publicKey);
  using packages = temporaryFolder();
  const { folder, manifest } = packageRelease(packages.path, {
    version: "99.0.0",
    platform: thisPlatform,
    program: standIn("99.0.0", machine.dataFolder),
    signKey: privatePem,
  });
  const added = await installation.control("releases", "add", folder, "--channel", "stable");
  t.is(added.code, 0, added.stderr);
  await installation.graphql("mutation { setAgentSettings(updatePolicy: MANUAL) { updatePolicy } }");
  const { stdout } = await installation.control("org-key", "provision", "--org", "default", "--json");
  const { key } = JSON.parse(stdout) as { key: string };

  using home = temporaryFolder();
  const env = {
    PATH: process.env["PATH"],
    HOME: home.path,
    FLOWSTATE_OTLP_KEY: key,
    FLOWSTATE_USER: "ada@example.com",
    FLOWSTATE_CONTROL_PLANE: installation.controlPlane,
    FLOWSTATE_CAPTURE: "session-logs",
    FLOWSTATE_POLL_MS: "100",
    FLOWSTATE_HOLD_MS: "50",
  };
  const daemon = spawn(process.execPath, [program, "run", "--service"], { env, stdio: "ignore" });
  try {
    const [told] = await until("the fleet's list to show what is available", async () => {
      const { agents } = await installation.graphql<Agents>("{ agents { subject version updateAvailable } }");
      return agents.some(({ updateAvailable }) => updateAvailable !== null) ? agents : null;
    });
    t.deepEqual(told, { subject: "ada@example.com", version, updateAvailable: "99.0.0" });
    const status = await runProgram(process.execPath, [program, "status"], env);
    t.regex(
      status.stdout,
      /updates +99\.0\.0 is available; `flowstate install` with the new program installs it/,
    );
    const check = await runProgram(process.execPath, [program, "upgrade", "--check"], env);
    t.regex(check.stdout, /^99\.0\.0 is available/);
  } finally {
    const ended = once(daemon, "exit");
    daemon.kill("SIGTERM");
    await ended;
  }

  const access = {
    controlPlane: new URL(installation.controlPlane),
    credential: new Secret(basicCredential({ user: "ada@example.com", password: key })),
  };
  const device = { key: machine.upgrading.key, journalFile: machine.upgrading.journalFile };
  t.like(decideUpdate(await askQuestion(access, device)), { kind: "tell", obstacle: "policy" });
  await installation.graphql("mutation { setAgentSettings(updatePolicy: AUTO) { updatePolicy } }");
  const decision = decideUpdate(await askQuestion(access, device));
  if (decision.kind !== "install") return t.fail(JSON.stringify(decision));
  t.deepEqual(decision.release, { ...manifest, channel: "stable" });
  await upgrade(access, decision.release, machine.upgrading, AbortSignal.timeout(60_000));
  t.is(machine.version(), "99.0.0");
  t.like(await machine.upgrading.askStatus(), { version: "99.0.0" });

  // The administrator takes it back: a device that looks now is offered nothing.
  t.is((await installation.control("releases", "remove", "99.0.0")).code, 0);
  t.deepEqual(decideUpdate(await askQuestion(access, device)), { kind: "nothing", reason: "current" });
  const { auditLog } = await installation.graphql<{
    auditLog: readonly { action: string; target: string }[];
  }>("{ auditLog { action target } }");
  const target = `99.0.0 ${thisPlatform}`;
  t.deepEqual(
    auditLog.filter(({ action }) => action.startsWith("agent_release.")),
    [
      { action: "agent_release.removed", target },
      { action: "agent_release.added", target },
    ],
  );
});
