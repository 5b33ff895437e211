/**
 * `node proxy/bench/soak.ts [MINUTES]`: the proxy in a process of its own under a mix of good tunnels, resets, slow
 * heads, garbage and refused credentials. Ends with code 1 where it logged an internal failure, where descriptors do
 * not return to where they were, or where what it holds grows by more than a megabyte an hour once it is warm.
 *
 * Goal: 30 minutes. What it holds is JavaScript's heap and what hangs on it outside, after a collection: the
 * slope of a line through the second half. Resident memory moves by tens of megabytes with the allocator and is told
 * beside it.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { startProxyProcess, type ProxyProcess } from "../test/support/process.ts";
import { echo, startTarget } from "../test/support/running.ts";

const minutes = Number(process.argv[2] ?? 30);
const atOnce = 20;
const sampleMs = 20_000;
using folder = temporaryFolder();
const inspectorPort = await freePort();
await using proxy = await startProxyProcess({
  folder: folder.path,
  env: { NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}` },
});
using inspector = await inspect(inspectorPort);
await using target = await startTarget(echo);
const done = { tunnels: 0, resets: 0, slow: 0, garbage: 0, refused: 0, failed: 0 };
const samples: { readonly atMs: number; readonly kb: number; readonly residentKb: number }[] = [];
const startedAt = Date.now();
const until = startedAt + minutes * 60_000;
const before = descriptors(proxy);

const sampling = (async () => {
  while (Date.now() < until) {
    await delay(sampleMs);
    samples.push({
      atMs: Date.now() - startedAt,
      kb: await inspector.heldKb(),
      residentKb: residentKb(proxy),
    });
  }
})();
await Promise.all(Array.from({ length: atOnce }, (_, index) => work(index)));
await sampling;
await delay(3000);
const after = descriptors(proxy);
const failures = readFileSync(join(folder.path, "proxy.log"), "utf8")
  .split("\n")
  .filter((line) => /"level":(?:50|60)|uncaught|unhandled/i.test(line));
const warm = samples.slice(Math.floor(samples.length / 2));
const mbPerHour = (slope(warm) * 3_600_000) / 1024;
process.stdout.write(
  `${minutes} min: ${JSON.stringify(done)}; descriptors ${before} -> ${after}; ` +
    `held ${range(warm.map(({ kb }) => kb))} MB in the second half, ${mbPerHour.toFixed(2)} MB/h; ` +
    `resident ${range(warm.map((sample) => sample.residentKb))} MB; ` +
    `failures logged: ${failures.length}\n`,
);
for (const line of failures.slice(0, 5)) process.stdout.write(`${line}\n`);
process.exitCode = failures.length > 0 || done.failed > 0 || after > before + 5 || mbPerHour > 1 ? 1 : 0;

async function work(index: number): Promise<void> {
  const kinds = [tunnel, tunnel, tunnel, reset, slowHead, garbage, refused];
  for (let turn = index; Date.now() < until; turn += 1) {
    const kind = kinds[turn % kinds.length] ?? tunnel;
    const { socket, tcp } = await dial();
    try {
      await kind(socket, tcp);
    } catch {
      done.failed += 1;
    } finally {
      socket.destroy();
    }
  }
}

async function dial(): Promise<{ readonly socket: TLSSocket; readonly tcp: Socket }> {
  const tcp = connectTcp({ host: "127.0.0.1", port: proxy.port, noDelay: true });
  tcp.on("error", () => undefined);
  const socket = connect({ socket: tcp, ca: proxy.ca, servername: "localhost" });
  socket.on("error", () => undefined);
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(20_000) });
  return { socket, tcp };
}

function head(credential: string): string {
  return `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nProxy-Authorization: ${credential}\r\n\r\n`;
}

async function tunnel(socket: TLSSocket): Promise<void> {
  socket.write(head(proxy.credential));
  await once(socket, "data", { signal: AbortSignal.timeout(20_000) });
  const payload = randomBytes(20_000);
  socket.write(payload);
  let back = 0;
  while (back < payload.length) {
    back += ((await once(socket, "data", { signal: AbortSignal.timeout(20_000) })) as [Buffer])[0].length;
  }
  done.tunnels += 1;
}

/** The client is gone in the middle of a transfer. */
async function reset(socket: TLSSocket, tcp: Socket): Promise<void> {
  socket.write(head(proxy.credential));
  await once(socket, "data", { signal: AbortSignal.timeout(20_000) });
  socket.write(randomBytes(200_000));
  tcp.resetAndDestroy();
  done.resets += 1;
}

/** A head that comes a byte at a time and never ends. */
async function slowHead(socket: TLSSocket): Promise<void> {
  for (const byte of Buffer.from(head(proxy.credential).slice(0, 20))) {
    socket.write(Buffer.from([byte]));
    await delay(20);
  }
  done.slow += 1;
}

async function garbage(socket: TLSSocket): Promise<void> {
  socket.end(randomBytes(2000));
  socket.resume();
  await once(socket, "close", { signal: AbortSignal.timeout(20_000) });
  done.garbage += 1;
}

async function refused(socket: TLSSocket): Promise<void> {
  socket.write(head("Basic bm9ib2R5Om5vdGhpbmc="));
  socket.resume();
  await once(socket, "close", { signal: AbortSignal.timeout(20_000) });
  done.refused += 1;
}

function descriptors({ pid }: ProxyProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentKb({ pid }: ProxyProcess): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

function range(kilobytes: readonly number[]): string {
  return `${(Math.min(...kilobytes) / 1024).toFixed(1)}-${(Math.max(...kilobytes) / 1024).toFixed(1)}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Asks the process over the DevTools protocol what it holds after a collection. */
async function inspect(port: number) {
  const [entry] = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as [
    { readonly webSocketDebuggerUrl: string },
  ];
  const socket = new WebSocket(entry.webSocketDebuggerUrl);
  await once(socket, "open");
  let asked = 0;
  const ask = async (method: string, params: object = {}): Promise<unknown> => {
    asked += 1;
    const id = asked;
    const answered = new Promise((resolve) => {
      const onMessage = ({ data }: MessageEvent): void => {
        const answer = JSON.parse(String(data)) as { readonly id?: number; readonly result?: unknown };
        if (answer.id !== id) return;
        socket.removeEventListener("message", onMessage);
        resolve(answer.result);
      };
      socket.addEventListener("message", onMessage);
    });
    socket.send(JSON.stringify({ id, method, params }));
    return answered;
  };
  const expression = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";
  return {
    async heldKb(): Promise<number> {
      // Twice: what a finalizer frees goes with the second.
      await ask("HeapProfiler.collectGarbage");
      await ask("HeapProfiler.collectGarbage");
      const answer = (await ask("Runtime.evaluate", { expression })) as {
        readonly result: { readonly value: number };
      };
      return answer.result.value / 1024;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/** Of the least-squares line, in kilobytes a millisecond. */
function slope(points: typeof samples): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const [x, y] = [mean(points.map(({ atMs }) => atMs)), mean(points.map(({ kb }) => kb))];
  const over = points.reduce((sum, { atMs, kb }) => sum + (atMs - x) * (kb - y), 0);
  const under = points.reduce((sum, { atMs }) => sum + (atMs - x) ** 2, 0);
  return under === 0 ? 0 : over / under;
}
