/**
 * `node agent/bench/peers.ts [CALLS]`: intercepted calls through this agent, mockttp 4.6.5 and mitmproxy, in turns, each a
 * process held to one core with client and provider on another. Prints processor time a call, whose inverse is what a
 * proxy can carry, and calls a second as they went. mockttp is installed into a temporary folder; mitmproxy is left out
 * where it is not installed. Needs taskset.
 *
 * Goal: at least 3 x the throughput of both. Measured on two shared, busy cores: 0.50 ms a call, mockttp 3.7 x and mitmproxy
 * 8.1.1 4.1 x of it.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { freePort } from "@flowstate/shared/testing/free-port";
import { until } from "@flowstate/shared/testing/until";
import { daemonFlags } from "../src/packaged/node-options.ts";
import { startProvider } from "../test/support/provider.ts";
import { authority } from "../test/support/tls.ts";

const calls = Number(process.argv[2] ?? 3000);
const host = "api.anthropic.com";
const atOnce = 8;
/** Calls on one connection, as a tool that keeps it makes them. */
const callsPerConnection = 10;
const events = 20;
const rounds = 3;
const ticksPerSecond = 100;

const event = `event: content_block_delta\ndata: ${JSON.stringify({
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: "x".repeat(60) },
})}\n\n`;
const answer = [
  `event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"claude-sonnet-4-5","usage":{"input_tokens":10,"output_tokens":1}}}\n\n`,
  ...Array.from({ length: events }, () => event),
  `event: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":50}}\n\n`,
  `event: message_stop\ndata: {"type":"message_stop"}\n\n`,
];
await using provider = await startProvider((incoming, response) => {
  incoming.resume();
  response.setHeader("content-type", "text/event-stream");
  for (const part of answer) response.write(part);
  response.end();
});
using folder = temporaryFolder();
const caFile = join(folder.path, "ca.pem");
writeFileSync(caFile, authority.certificate);

interface Proxy {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

spawnSync("taskset", ["-cp", "1", String(process.pid)]);
const peers = [await ours(), await mockttp(), await mitmproxy()].filter((peer) => peer !== null);
const best = new Map<string, { readonly micros: number; readonly perSecond: number }>();
for (const peer of peers) await load(peer, 200);
for (let round = 0; round < rounds; round += 1) {
  for (const peer of peers) {
    const before = { cpu: cpuSeconds(peer.pid), at: performance.now() };
    await load(peer, calls);
    const micros = ((cpuSeconds(peer.pid) - before.cpu) / calls) * 1e6;
    const perSecond = calls / ((performance.now() - before.at) / 1000);
    const known = best.get(peer.name);
    if (known === undefined || micros < known.micros) best.set(peer.name, { micros, perSecond });
  }
}
const own = best.get("flowstate")?.micros ?? Number.NaN;
for (const [name, { micros, perSecond }] of best) {
  const ratio = `${(micros / own).toFixed(1)} x flowstate`;
  process.stdout.write(
    `${name.padEnd(10)} ${micros.toFixed(0).padStart(6)} µs of processor a call (${ratio}), ${perSecond.toFixed(0)} calls/s\n`,
  );
}
for (const peer of peers) await peer.stop();

async function load(peer: Proxy, count: number): Promise<void> {
  let left = count;
  const client = async (): Promise<void> => {
    while (left > 0) {
      const socket = await dial(peer.port);
      for (let turn = 0; turn < callsPerConnection && left > 0; turn += 1) {
        left -= 1;
        await call(socket);
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
}

async function dial(port: number): Promise<TLSSocket> {
  const tcp = connect({ port, host: "127.0.0.1", noDelay: true });
  tcp.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`);
  await once(tcp, "data");
  // Each proxy has an authority of its own; what is measured is not the client's trust.
  const options = { socket: tcp, servername: host, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] };
  const socket = connectTls(options);
  await once(socket, "secureConnect");
  return socket;
}

async function call(socket: TLSSocket): Promise<void> {
  const body = JSON.stringify({ model: "claude-sonnet-4-5", stream: true, messages: [] });
  const out = request({
    createConnection: () => socket,
    method: "POST",
    path: "/v1/messages",
    headers: { host, "content-type": "application/json", connection: "keep-alive" },
    agent: undefined,
  });
  out.end(body);
  const [response] = (await once(out, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += String(chunk);
  if (response.statusCode !== 200 || !text.includes("message_stop")) {
    throw new Error(`${response.statusCode} ${text.slice(0, 200)}`);
  }
}

async function ours(): Promise<Proxy> {
  const program = new URL("peers/intercept.ts", import.meta.url).pathname;
  return start(
    "flowstate",
    [process.execPath, ...daemonFlags, program, String(provider.port), caFile],
    folder.path,
  );
}

async function mockttp(): Promise<Proxy> {
  const prefix = join(folder.path, "mockttp");
  const installed = spawnSync("npm", ["install", "--prefix", prefix, "--no-save", "mockttp@4.6.5"]);
  if (installed.status !== 0) throw new Error(`mockttp could not be installed: ${String(installed.stderr)}`);
  const program = new URL("peers/mockttp.mjs", import.meta.url).pathname;
  return start("mockttp", [process.execPath, program, String(provider.port), caFile], prefix);
}

async function mitmproxy(): Promise<Proxy | null> {
  const found = spawnSync("mitmdump", ["--version"]);
  if (found.error !== undefined) {
    process.stdout.write("mitmproxy is not installed here and is left out\n");
    return null;
  }
  const port = await freePort();
  const script = new URL("peers/mitmproxy.py", import.meta.url).pathname;
  const options = ["--set", `provider_port=${provider.port}`, "--set", "ssl_insecure=true"];
  const words = ["mitmdump", "-q", "--listen-port", String(port), "-s", script, ...options];
  const home = ["--set", `confdir=${join(folder.path, "mitmproxy")}`];
  return start("mitmproxy", [...words, ...home], folder.path, port);
}

/** A program that prints its port, or is known to listen on one. */
async function start(
  name: string,
  words: readonly string[],
  cwd: string,
  known: number | null = null,
): Promise<Proxy> {
  const child = spawn("taskset", ["-c", "0", ...words], { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const port = known ?? Number(String((await once(child.stdout, "data"))[0]));
  await until(`${name} to listen`, () => listens(port));
  return {
    name,
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function listens(port: number): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Of the process itself, which none of these leaves to children. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
