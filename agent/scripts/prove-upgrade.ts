/**
 * `npm run prove-upgrade -w agent`: releases that are packaged as they are delivered, installed for a machine and
 * upgraded by its updater: taken back where one does not run, brought forward, and back again where the organisation pins
 * an older one. As root on Linux, in a mount namespace of its own: nothing of the machine changes. It takes two minutes.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import type { DaemonStatus } from "../src/local/status.ts";
import { version } from "../src/version.ts";
import { buildExecutable, partsFor } from "./executable.ts";
import { manifestOf } from "./manifest.ts";
import { chooseTargets } from "./targets.ts";

const root = resolve(import.meta.dirname, "../..");
const control = join(root, "control-plane/src/main.ts");
const installed = "/usr/local/bin/flowstate";
const execute = promisify(execFile);

if (process.argv[2] === "inside") await inside(process.argv[3] ?? "");
else await outside();

/** Runs this file again where it can mount. */
async function outside(): Promise<void> {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    throw new Error("this takes Linux and root: it mounts folders of its own over the machine's");
  using folder = temporaryFolder();
  const args = ["--mount", process.execPath, import.meta.filename, "inside", folder.path];
  const child = spawn("unshare", args, { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  process.exitCode = code ?? 70;
}

async function inside(folder: string): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { privatePem, publicKey } = generateReleaseKey();
  const next = "99.0.0";
  const broken = "98.0.0";
  const packaged = async (name: string, make: (file: string) => Promise<unknown>): Promise<string> => {
    const out = join(folder, name);
    mkdirSync(out);
    const platform = `${process.platform}-${process.arch}`;
    const file = join(out, `flowstate-${platform}`);
    await make(file);
    const manifest = await manifestOf(file, { version: name, platform, signKey: privatePem });
    writeFileSync(join(out, "release.json"), JSON.stringify(manifest));
    return out;
  };
  const [target = "linux-x64"] = chooseTargets({ all: false, named: [] });
  const parts = partsFor(target, join(folder, "parts"));
  const build = (file: string, version: string) => buildExecutable(file, { version, target, parts });
  const first = await packaged(version, (file) => build(file, version));
  const second = await packaged(next, (file) => build(file, next));
  // Signed and willing to say its version, and of no use otherwise.
  const useless = await packaged(broken, async (file) =>
    writeFileSync(file, `#!/bin/sh\ncase "$1" in --version) echo ${broken} ;; *) exit 1 ;; esac\n`),
  );
  say(`packaged ${version} and ${next}`);

  const dataDir = join(folder, "control-plane");
  const env = {
    ...process.env,
    FLOWSTATE_DATA_DIR: dataDir,
    FLOWSTATE_HTTP_PORT: "0",
    FLOWSTATE_LOG_LEVEL: "silent",
  };
  const run = async (...args: readonly string[]): Promise<string> =>
    (await execute(process.execPath, [control, ...args], { env })).stdout;
  const { key } = JSON.parse(await run("org-key", "provision", "--org", "default", "--json")) as {
    key: string;
  };
  const may = ["--permissions", "AI_POLICY_ADMIN,AI_GOVERNANCE_VIEW", "--name", "prove", "--json"];
  const api = JSON.parse(await run("api-key", "create", "--org", "default", ...may)) as { key: string };
  const server = fork(control, ["serve"], { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  stack.defer(() => void server.kill("SIGTERM"));
  const [{ address }] = (await once(server, "message")) as [{ address: string }];
  const set = async (change: string): Promise<void> => {
    const answer = await fetch(`${address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${api.key}` },
      body: JSON.stringify({ query: `mutation { setAgentSettings(${change}) { updatePolicy } }` }),
    });
    assert.equal("errors" in ((await answer.json()) as object), false, change);
  };

  mountOver(folder);
  const before = tree();
  const flowstate = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { stdout } = await execute(program, args, {
      env: { HOME: "/root", PATH: `${folder}/bin:/usr/bin:/bin` },
    });
    return stdout;
  };
  const updater = (): Promise<string> => flowstate(installed, "upgrade", "--scheduled");
  const running = async (): Promise<DaemonStatus> =>
    JSON.parse(await flowstate(installed, "status", "--json")) as DaemonStatus;

  writeFileSync(join(folder, "key"), key);
  const who = ["--run-as", "ada", "--user", "ada@example.com", "--key-file", join(folder, "key")];
  const program = join(first, `flowstate-${process.platform}-${process.arch}`);
  const said = await flowstate(
    program,
    "install",
    ...who,
    "--control-plane",
    address,
    "--release-key",
    publicKey,
  );
  assert.match(said, /It runs \(process \d+\)/);
  stack.defer(async () => void (await flowstate(installed, "uninstall").catch(() => undefined)));
  assert.equal((await running()).version, version);
  assert.equal(statSync("/var/lib/flowstate/release-key").uid, 0);
  assert.match(await updater(), /nothing to install: current/);
  say(`${version} is installed and runs`);

  await run("releases", "add", useless, "--channel", "stable");
  await set("updatePolicy: NOTIFY_ONLY");
  assert.match(await updater(), /98\.0\.0 is not installed: policy/);
  await set("updatePolicy: AUTO");
  const beganBad = Date.now();
  await assert.rejects(updater(), /was put back/);
  assert.equal((await running()).version, version);
  assert.match(await updater(), /98\.0\.0 is not installed: failed/);
  say(`${broken} did not run; ${version} was back after ${Math.round((Date.now() - beganBad) / 1000)} s`);

  await run("releases", "remove", broken);
  await run("releases", "add", second, "--channel", "stable");
  const began = Date.now();
  assert.match(await updater(), /99\.0\.0 is in place of/);
  assert.equal((await running()).version, next);
  assert.equal((await flowstate(installed, "--version")).trim(), next);
  say(`${next} took its place within ${Math.round((Date.now() - began) / 1000)} s`);

  await run("releases", "add", first, "--channel", "stable");
  assert.match(await updater(), /nothing to install: current/);
  await set(`pinnedVersion: "${version}"`);
  // The service has heard, and reads the key with its person's rights.
  await until("the service to know", async () => {
    const { update } = await running();
    return update.available?.version === version && update.obstacle === null;
  });
  assert.match(await updater(), new RegExp(`${version.replaceAll(".", String.raw`\.`)} is in place of 99`));
  assert.equal((await running()).version, version);
  say(`${version} is back where the organisation pins it`);

  await flowstate(installed, "uninstall");
  assert.deepEqual(tree(), before);
  say("uninstalled without a trace");
}

/** Folders of our own over those that an installation changes, with an account for whom it is made, and a service manager. */
function mountOver(folder: string): void {
  for (const path of ["/usr/local/bin", "/etc", "/var/lib", "/home", "/run"]) {
    const over = join(folder, "over", path);
    mkdirSync(over, { recursive: true });
    chmodSync(over, 0o755);
    if (path === "/etc") cpSync(path, over, { recursive: true, verbatimSymlinks: true });
    execFileSync("mount", ["--bind", over, path]);
  }
  writeFileSync("/etc/passwd", "ada:x:12345:12345::/home/ada:/bin/sh\n", { flag: "a" });
  writeFileSync("/etc/group", "ada:x:12345:\n", { flag: "a" });
  execFileSync("install", ["-d", "-o", "12345", "-g", "12345", "/home/ada"]);
  mkdirSync("/run/systemd/system", { recursive: true });
  mkdirSync(join(folder, "bin"));
  for (const path of [folder, join(folder, "bin")]) chmodSync(path, 0o755);
  const manager = join(import.meta.dirname, "service-manager.ts");
  writeFileSync(join(folder, "bin/systemctl"), `#!/bin/sh\nexec ${process.execPath} ${manager} "$@"\n`, {
    mode: 0o755,
  });
}

function tree(): Readonly<Record<string, string>> {
  const files = ["/usr/local/bin", "/etc", "/var/lib", "/home"].flatMap((path) =>
    globSync(`${path}/**/{*,.*}`),
  );
  return Object.fromEntries(
    files.map((file) => {
      const info = statSync(file, { throwIfNoEntry: false });
      return [
        file,
        info?.isFile() === true ? `${info.mode} ${readFileSync(file, "base64").slice(0, 4000)}` : "folder",
      ];
    }),
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
