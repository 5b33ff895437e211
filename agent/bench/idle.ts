/**
 * `node agent/bench/idle.ts [FILES] [SECONDS] [EXECUTABLE]`: what the daemon costs while nothing happens, with many logs
 * watched, and what one more row costs it; the packaged one where its file is given. Linux only.
 *
 * Goals: below 80 MB and 0.1 % of a processor with 5,000 logs.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { mintKey } from "@flowstate/shared/keys";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { mallocSettings, daemonFlags } from "../src/packaged/node-options.ts";
import { claudeRow } from "../test/support/person.ts";
import { startPolicyDesk } from "../test/support/policy-desk.ts";

const files = Number(process.argv[2] ?? 5000);
const seconds = Number(process.argv[3] ?? 120);
const executable = process.argv[4];
const perFolder = 25;
const callsPerFile = 4;
const patientMs = 600_000;
const settleMs = 30_000;

using folder = temporaryFolder();
await using desk = await startPolicyDesk();
// As the control plane does with each stream.
setInterval(() => desk.streams.forEach((stream) => stream.ping()), 30_000).unref();
const calls = (): number =>
  new Set(desk.reported.map((event) => (event as { callId?: string }).callId ?? "")).size;
for (let index = 0; index < files; index += 1) {
  const project = join(folder.path, ".claude/projects", `-src-${Math.floor(index / perFolder)}`);
  mkdirSync(project, { recursive: true });
  const rows = Array.from({ length: callsPerFile }, (_, call) => oneRow(index, call));
  writeFileSync(join(project, `s${index}.jsonl`), rows.join(""));
}

// As a service manager starts it.
const program = [process.execPath, ...daemonFlags, new URL("../bin/flowstate.js", import.meta.url).pathname];
const [file = "", ...words] = executable === undefined ? program : [executable];
const daemon = spawn(file, [...words, "run"], {
  env: {
    HOME: folder.path,
    PATH: process.env["PATH"],
    FLOWSTATE_OTLP_KEY: mintKey("org").text,
    FLOWSTATE_USER: "ada@example.com",
    FLOWSTATE_CONTROL_PLANE: desk.url,
    FLOWSTATE_RELAY_PORT: "0",
    FLOWSTATE_OTLP_PORT: "0",
    ...mallocSettings,
  },
  stdio: ["ignore", "ignore", "inherit"],
});
const pid = daemon.pid ?? 0;
await until("every call to be delivered", () => calls() >= files * callsPerFile, patientMs);
print(
  `start: ${files} logs and ${files * callsPerFile} calls read and delivered with ${cpuS(pid).toFixed(2)} CPU-s`,
);
print(`memory after it: ${memory(pid)}`);

// A garbage collector that has nothing to do gives memory back.
await delay(settleMs);
const before = cpuS(pid);
await delay(seconds * 1000);
const spent = cpuS(pid) - before;
print(`idle for ${seconds} s: ${((100 * spent) / seconds).toFixed(3)} % of a processor, ${memory(pid)}`);

const busyBefore = cpuS(pid);
const rows = 60;
for (let row = 0; row < rows; row += 1) {
  appendFileSync(join(folder.path, ".claude/projects/-src-0/s0.jsonl"), claudeRow(`msg_new_${row}`));
  await delay(1000);
}
print(
  `a row a second for a minute: ${((100 * (cpuS(pid) - busyBefore)) / rows).toFixed(2)} % of a processor`,
);
daemon.kill();
await once(daemon, "exit");

/** Calls of many sizes at many times. */
function oneRow(file: number, call: number): string {
  const at = new Date(Date.parse("2026-10-01T00:00:00Z") + file * 600_000 + call * 20_000).toISOString();
  return claudeRow(`msg_${file}_${call}`, { output: 10 + call })
    .replace("2026-11-20T10:00:00.000Z", at)
    .replace('"input_tokens":100', `"input_tokens":${100 + (file % 400)}`);
}

/** User and system time so far; the clock of `/proc` ticks a hundred times a second. */
function cpuS(id: number): number {
  const stat = readFileSync(`/proc/${id}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) / 100;
}

/** Of what is resident, the agent's own; the rest is Node's executable, which every Node of the machine shares. */
function memory(id: number): string {
  const status = readFileSync(`/proc/${id}/status`, "utf8");
  const mb = (name: string): string =>
    (Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024).toFixed(0);
  return `${mb("VmRSS")} MB resident, ${mb("RssAnon")} MB of it private`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
