/**
 * `npm run bench -w proxy [-- ROUNDS]`: this proxy, squid (Debian package `squid-openssl`) and Node's bare https server
 * in one run, each held to one core, client and target on another. Authentication, meter, guard and access log are on.
 * Every figure is the best of its rounds; ratios are to squid, or to bare Node where squid is not installed.
 *
 * Goals: CPU of a new tunnel and of a gigabyte at most 1.0 x squid, memory of an idle tunnel at most 0.4 x, p99 of a
 * request through an open tunnel at most 1.1 x.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { bulk, idleTunnels, keptAlive, newTunnels, type Destination } from "./load.ts";
import { cpuSeconds, pssKb, quantile } from "./measure.ts";
import { layGround, squidIsHere, startBare, startFlowstate, startSquid, type Peer } from "./peers.ts";

const rounds = Number(process.argv[2] ?? 3);
const proxyCore = "0";
const clientCore = "1";
const tunnelCount = 1500;
const gigabyte = 1e9;
const idleCount = 5000;

const figures = {
  tunnelMicros: "CPU per new tunnel, µs",
  tunnelP50: "new tunnel p50, ms",
  gigabyteSeconds: "CPU per GB, s",
  requestP50: "kept-alive request p50, ms",
  requestP99: "kept-alive request p99, ms",
  idleKb: `PSS per idle tunnel of ${idleCount}, KB`,
} as const;
type Figure = keyof typeof figures;
type Measured = Record<Figure, number>;

using folder = temporaryFolder();
spawnSync("taskset", ["-cp", clientCore, String(process.pid)]);
const ground = layGround(folder.path, proxyCore);
const target = spawn(
  "taskset",
  [
    "-c",
    clientCore,
    process.execPath,
    new URL("target.ts", import.meta.url).pathname,
    ground.certificateFile,
    ground.keyFile,
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const [line] = (await once(createInterface({ input: target.stdout }), "line")) as [string];
const ports = JSON.parse(line) as { readonly web: number; readonly echo: number };
const web: Destination = { port: ports.web, ca: ground.ca };
const echo: Destination = { port: ports.echo, ca: ground.ca };

const starters = [startFlowstate, startBare, ...(squidIsHere() ? [startSquid] : [])];
const results = new Map<string, Measured>();
try {
  for (let round = 0; round < rounds; round += 1) {
    for (const start of starters) {
      await using peer = await start(ground);
      const measured = await measure(peer);
      const before = results.get(peer.name);
      results.set(peer.name, before === undefined ? measured : lesser(before, measured));
      process.stderr.write(`round ${round + 1} of ${rounds}: ${peer.name} ${JSON.stringify(measured)}\n`);
    }
  }
} finally {
  target.kill("SIGKILL");
}
print(results);
process.exit();

async function measure(peer: Peer): Promise<Measured> {
  await newTunnels(peer, web, { count: 300, clients: 4 });
  const idleFrom = pssKb(peer.pid);
  const idle = await idleTunnels(peer, echo, idleCount);
  await delay(2000);
  const idleKb = (pssKb(peer.pid) - idleFrom) / idleCount;
  for (const socket of idle) socket.destroy();
  await delay(1000);
  let cpu = cpuSeconds(peer.pid);
  const tunnels = await newTunnels(peer, web, { count: tunnelCount, clients: 4 });
  const tunnelMicros = ((cpuSeconds(peer.pid) - cpu) * 1e6) / tunnelCount;
  await bulk(peer, web, gigabyte / 10);
  cpu = cpuSeconds(peer.pid);
  await bulk(peer, web, gigabyte);
  const gigabyteSeconds = cpuSeconds(peer.pid) - cpu;
  const requests = await keptAlive(peer, web, 3000);
  return {
    tunnelMicros,
    tunnelP50: quantile(tunnels, 0.5),
    gigabyteSeconds,
    requestP50: quantile(requests, 0.5),
    requestP99: quantile(requests, 0.99),
    idleKb,
  };
}

function lesser(a: Measured, b: Measured): Measured {
  const pairs = (Object.keys(figures) as Figure[]).map((name) => [name, Math.min(a[name], b[name])] as const);
  return Object.fromEntries(pairs) as Measured;
}

function print(measured: ReadonlyMap<string, Measured>): void {
  const peerName = measured.has("squid") ? "squid" : "bare node";
  const names = [...measured.keys()];
  const row = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(36) : cell.padStart(12))).join("");
  const lines = [row(["", ...names, `x ${peerName}`])];
  for (const name of Object.keys(figures) as Figure[]) {
    const ours = measured.get("flowstate")?.[name] ?? 0;
    const theirs = measured.get(peerName)?.[name] ?? 0;
    lines.push(
      row([
        figures[name],
        ...names.map((peer) => measured.get(peer)?.[name].toFixed(2) ?? ""),
        (ours / theirs).toFixed(2),
      ]),
    );
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}
