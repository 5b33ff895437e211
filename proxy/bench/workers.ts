/**
 * `node proxy/bench/workers.ts`: the same tunnels through one worker and through two.
 *
 * Client and target need a core themselves, so what two workers carry at most is not pushed to its end but derived: a
 * proxy is full when its busiest worker is, so capacity is the inverse of the busiest worker's processor time per tunnel
 * of all. Proxy on one core, client on another in both cases. Goal: two workers carry 1.8 times the tunnels of one.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { startProxyProcess } from "../test/support/process.ts";
import { echo, startTarget } from "../test/support/running.ts";
import { openTunnel } from "./load.ts";
import { cpuSeconds } from "./measure.ts";

spawnSync("taskset", ["-cp", "1", String(process.pid)]);

const count = 8000;
const atOnce = 8;

using folder = temporaryFolder();
await using target = await startTarget(echo);
const one = await busiest(1);
const two = await busiest(2);
process.stdout.write(
  `busiest worker, of ${count} tunnels: one ${one.micros.toFixed(0)} µs a tunnel, two ${two.micros.toFixed(0)} µs ` +
    `(shares ${two.shares.map((share) => share.toFixed(2)).join(" and ")}): ${(one.micros / two.micros).toFixed(2)} x\n`,
);

async function busiest(workers: number): Promise<{ micros: number; shares: readonly number[] }> {
  await using proxy = await startProxyProcess({
    folder: `${folder.path}/${workers}`,
    prefix: ["taskset", "-c", "0"],
    args: ["--workers", String(workers)],
  });
  const peer = { ...proxy, name: `${workers} workers` };
  const to = { port: target.port, ca: proxy.ca };
  const run = async (tunnels: number): Promise<void> => {
    let left = tunnels;
    const client = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const socket = await openTunnel(peer, to);
        socket.destroy();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, client));
  };
  await run(count);
  const pids = workers === 1 ? [proxy.pid] : childrenOf(proxy.pid);
  const before = pids.map(cpuSeconds);
  await run(count);
  const used = pids.map((pid, index) => cpuSeconds(pid) - (before[index] ?? 0));
  const total = used.reduce((sum, seconds) => sum + seconds, 0);
  return { micros: (Math.max(...used) * 1e6) / count, shares: used.map((seconds) => seconds / total) };
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((child) => {
      try {
        const stat = readFileSync(`/proc/${child}/stat`, "utf8").replace(/^.*\) /s, "");
        return Number(stat.split(" ")[1]) === pid;
      } catch {
        return false;
      }
    });
}
