/**
 * `npm run prove-windows -w agent`: the Windows executable, installed, run as a service and removed again by Wine 8 on
 * Linux. It takes a minute. Wine is not Windows: what it lacks is worked around here, each at its place below.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync, fork, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import type { DaemonStatus } from "../src/local/status.ts";
import { windowsService } from "../src/machine/service.ts";
import { nativeFolder } from "../src/packaged/native.ts";
import { version } from "../src/version.ts";
import { buildExecutable, partsFor } from "./executable.ts";
import { manifestOf } from "./manifest.ts";
import { call } from "./prove.ts";
import { executableName } from "./targets.ts";

await using stack = new AsyncDisposableStack();
const folder = stack.use(temporaryFolder());
const drive = join(folder.path, "prefix/drive_c");
const env = {
  ...process.env,
  WINEPREFIX: join(folder.path, "prefix"),
  WINEDEBUG: "-all",
  WINEDLLOVERRIDES: "sc.exe=n,b",
};
const installed = String.raw`C:\Program Files\Flowstate\flowstate.exe`;
const carried = String.raw`C:\flowstate.exe`;

const parts = partsFor("win32-x64", folder.path);
await makePrefix();
const executable = join(folder.path, "flowstate.exe");
await buildExecutable(executable, { version, target: "win32-x64", parts });
copyForWine(executable, join(drive, "flowstate.exe"));
copyForWine(parts.node, join(folder.path, "node.exe"));
replaceServiceCommand();
mkdirSync(join(drive, "users/ada/.claude/projects/-src-api"), { recursive: true });
writeFileSync(join(drive, "users/ada/.claude/projects/-src-api/s1.jsonl"), call);
const plane = await startControlPlane();
writeFileSync(join(drive, "key.txt"), plane.key);
await keepRunning();

assert.equal(await flowstate(carried, "--version"), `${version}\n`);
const { totals } = JSON.parse(await flowstate(carried, "scan", "--json")) as {
  totals: Record<string, unknown>;
};
assert.deepEqual([totals["calls"], totals["costUsd"]], [1, "0.00045"]);
rmSync(join(drive, "users/ada/.flowstate"), { recursive: true });
say(`${version} starts and scans`);

// Native parts of programs that have ended, which every later one may remove.
const before = tree().filter((path) => !path.includes(nativeFolder));
const settings = ["--run-as", "ada", "--key-file", String.raw`C:\key.txt`, "--user", "ada@example.com"];
const { privatePem, publicKey } = generateReleaseKey();
const about = ["--control-plane", plane.address, "--release-key", publicKey];
const said = await flowstate(carried, "install", ...settings, ...about);
assert.match(said, /It runs \(process \d+\)/);
const first = await running((status) => status.calls.known === 1);
assert.match(await wine("sc", "query", windowsService), /RUNNING/);
say(`it runs as a service (process ${first.pid}) and knows the call`);

await wine("taskkill", "/f", "/pid", String(first.pid));
say("the service was killed; Wine's service manager, unlike that of Windows, does not start it again");
await wine("net", "start", windowsService);
await running(({ pid }) => pid !== first.pid);
await wine("net", "stop", windowsService);
assert.match(await wine("sc", "query", windowsService), /STOPPED/);
say("it starts and stops as the service manager says");

const other = flowstate(installed, "run").catch(() => "killed");
const { pid: otherPid } = await running(({ pid }) => pid !== first.pid);
await wine("net", "start", windowsService).catch(() => undefined);
await until("the service to fail", async () =>
  /STOPPED[^]*SERVICE_EXIT_CODE +: 1 /.test(await wine("sc", "query", windowsService)),
);
await wine("taskkill", "/f", "/pid", String(otherPid));
await other;
say("where another agent runs already, it says that it has failed");

for (const program of [carried, installed]) assert.match(await flowstate(program, "install"), /It runs/);
say("installed again, by another copy and by itself");

const next = "99.0.0";
const broken = "98.0.0";
await offer(broken, (file) =>
  writeProgram(file, `console.log("${broken}"); process.exitCode = process.argv[2] === "--version" ? 0 : 1;`),
);
await assert.rejects(upgrade(), new RegExp(`${version.replaceAll(".", String.raw`\.`)} was put back`));
await running((status) => status.version === version);
await plane.run("releases", "remove", broken);
say(`${broken} did not run; ${version} was put back`);
await offer(next, async (file) => {
  await buildExecutable(`${file}.new`, { version: next, target: "win32-x64", parts });
  copyForWine(`${file}.new`, file);
});
assert.match(await upgrade(), /99\.0\.0 is in place of/);
await running((status) => status.version === next);
assert.equal(await flowstate(installed, "--version"), `${next}\n`);
say(`${next} took its place`);

await flowstate(installed, "uninstall");
await until("nothing to be left", () => JSON.stringify(tree()) === JSON.stringify(before), 30_000);
await assert.rejects(wine("sc", "query", windowsService));
say("uninstalled without a trace");

/** What the task does every hour, as the system. */
function upgrade(): Promise<string> {
  return wine(installed, "upgrade", "--scheduled", "--home", String.raw`C:\users\ada`);
}

interface ControlPlane {
  readonly address: string;
  readonly key: string;
  /** Runs a command of the control plane's. */
  run(...args: readonly string[]): Promise<string>;
}

async function startControlPlane(): Promise<ControlPlane> {
  const control = join(import.meta.dirname, "../../control-plane/src/main.ts");
  const own = {
    ...process.env,
    FLOWSTATE_DATA_DIR: join(folder.path, "control-plane"),
    FLOWSTATE_HTTP_PORT: "0",
    FLOWSTATE_LOG_LEVEL: "silent",
  };
  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [control, ...args], { env: own })).stdout;
  const provisioned = await run("org-key", "provision", "--org", "default", "--json");
  const { key } = JSON.parse(provisioned) as { key: string };
  const server = fork(control, ["serve"], { env: own, stdio: ["ignore", "ignore", "inherit", "ipc"] });
  stack.defer(() => void server.kill("SIGTERM"));
  const [{ address }] = (await once(server, "message")) as [{ address: string }];
  return { address, key, run };
}

/** Has the control plane offer a signed release. */
async function offer(name: string, make: (file: string) => void | Promise<void>): Promise<void> {
  const out = join(folder.path, name);
  mkdirSync(out);
  const file = join(out, executableName("win32-x64"));
  await make(file);
  const about = { version: name, platform: "win32-x64", signKey: privatePem };
  writeFileSync(join(out, "release.json"), JSON.stringify(await manifestOf(file, about)));
  await plane.run("releases", "add", out, "--channel", "stable");
}

/** A new Windows that says it is version 10 from before 16299: for later ones Node asks of TCP what Wine has not. */
async function makePrefix(): Promise<void> {
  await promisify(execFile)("wineboot", ["-i"], { env });
  const key = String.raw`HKLM\Software\Microsoft\Windows NT\CurrentVersion`;
  const values: [name: string, type: string, value: string][] = [
    ["CurrentMajorVersionNumber", "REG_DWORD", "10"],
    ["CurrentMinorVersionNumber", "REG_DWORD", "0"],
    ["CurrentBuildNumber", "REG_SZ", "15063"],
    ["CurrentBuild", "REG_SZ", "15063"],
    ["CurrentVersion", "REG_SZ", "10.0"],
  ];
  for (const [name, type, value] of values)
    await wine("reg", "add", key, "/v", name, "/t", type, "/d", value, "/f");
}

/**
 * With one letter changed: V8 reserves memory by functions that Wine 8 has without what is needed of them, and does
 * without them where one is not there.
 */
function copyForWine(from: string, to: string): void {
  const bytes = readFileSync(from);
  const place = bytes.indexOf("\0MapViewOfFile3\0");
  assert.ok(place > 0 && bytes.indexOf("\0MapViewOfFile3\0", place + 1) < 0);
  bytes.write("9", place + "\0MapViewOfFile".length);
  writeFileSync(to, bytes, { mode: 0o755 });
}

/** Wine's `sc` knows neither `config` nor `failureflag`; what they would set, `create` has set here. */
function replaceServiceCommand(): void {
  const own = join(drive, "windows/system32/sc.exe");
  copyFileSync(own, join(drive, "sc.exe"));
  rmSync(own);
  writeProgram(
    own,
    `import { spawnSync } from "node:child_process";
const [verb, ...rest] = process.argv.slice(2);
const given = verb === "config" ? ["query", rest[0]] : [verb, ...rest];
if (verb !== "failureflag")
  process.exitCode = spawnSync("C:\\\\sc.exe", given, { stdio: "inherit" }).status ?? 1;
`,
  );
}

/** A program for Wine that runs a module. */
function writeProgram(output: string, code: string): void {
  const name = randomUUID();
  const main = join(folder.path, `${name}.mjs`);
  writeFileSync(main, code);
  const description = join(folder.path, `${name}.json`);
  const made = { main, mainFormat: "module", output, executable: join(folder.path, "node.exe") };
  writeFileSync(description, JSON.stringify({ ...made, disableExperimentalSEAWarning: true }));
  execFileSync(process.execPath, ["--build-sea", description], { stdio: ["ignore", "ignore", "inherit"] });
}

/** Services are started anew with every first program; one that does nothing is there all the time. */
async function keepRunning(): Promise<void> {
  const idle = spawn("wine", ["ping", "-n", "600", "127.0.0.1"], { env, stdio: "ignore" });
  await once(idle, "spawn");
  stack.defer(async () => {
    await promisify(execFile)("wineserver", ["-k"], { env }).catch(() => undefined);
    if (idle.exitCode === null && idle.signalCode === null) await once(idle, "exit");
  });
}

/** What the person would type; through a file, because Wine sets these variables itself. */
async function flowstate(program: string, ...args: readonly string[]): Promise<string> {
  const lines = [
    "@echo off",
    String.raw`set USERPROFILE=C:\users\ada`,
    String.raw`set APPDATA=C:\users\ada\AppData\Roaming`,
    `"${program}" ${args.join(" ")}`,
  ];
  const name = `${randomUUID()}.bat`;
  writeFileSync(join(drive, name), lines.join("\r\n"));
  try {
    return await wine("cmd", "/c", `C:\\${name}`);
  } finally {
    rmSync(join(drive, name));
  }
}

/** Into a file and not a pipe, which Node does not know for one under Wine. */
async function wine(...args: readonly string[]): Promise<string> {
  const file = join(folder.path, `${randomUUID()}.txt`);
  const out = openSync(file, "w");
  try {
    const [code] = await once(spawn("wine", args, { env, stdio: ["ignore", out, out] }), "exit");
    const text = readFileSync(file, "utf8");
    if (code !== 0) throw new Error(`${args.join(" ")}: ${String(code)}: ${text}`);
    return text;
  } finally {
    closeSync(out);
  }
}

async function running(check: (status: DaemonStatus) => boolean): Promise<DaemonStatus> {
  let status: DaemonStatus | null = null;
  await until("the service to run", async () => {
    const text = await flowstate(installed, "status", "--json").catch(() => "null");
    status = JSON.parse(text) as DaemonStatus | null;
    return status !== null && check(status);
  });
  assert.ok(status !== null);
  return status;
}

/** Everything but Windows itself. */
function tree(): readonly string[] {
  const paths = readdirSync(drive, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => !path.startsWith("windows/") || path.startsWith("windows/temp/")).sort();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
