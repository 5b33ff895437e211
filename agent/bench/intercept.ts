/**
 * What the intercept adds to a streamed call: time from an event leaving the provider to its arrival at the client, over
 * TLS directly, through the intercept, through one that keeps what is said (enterprise mode), and through one that looks
 * for 500 phrases in answers, in turns, in one process. Each call carries a long conversation with one new turn.
 * `node agent/bench/intercept.ts`
 */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { createLogger } from "@flowstate/shared/log";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import { listCaptures } from "../src/enterprise/capture-store.ts";
import { createKeeper } from "../src/enterprise/keeper.ts";
import type { AnswerListener } from "../src/observe/intercept/exchange.ts";
import { startIntercept, type Intercept } from "../src/observe/intercept/server.ts";
import type { KeepWords } from "../src/observe/intercept/watch.ts";
import { createEvaluator } from "../src/policy/evaluate.ts";
import { deviceAuthority } from "../test/support/intercepting.ts";
import { startProvider } from "../test/support/provider.ts";
import { authority } from "../test/support/tls.ts";

const host = "api.anthropic.com";
const rounds = 300;
const events = 20;
const gapMs = 1;

await using provider = await startProvider(async (incoming, response) => {
  incoming.resume();
  response.setHeader("content-type", "text/event-stream");
  for (let at = 0; at < events; at += 1) {
    const text = "x".repeat(200);
    response.write(
      `data: ${JSON.stringify({ type: "content_block_delta", delta: { text }, at: performance.now() })}\n\n`,
    );
    await delay(gapMs);
  }
  response.end();
});
const turns = 100;
const turn = { role: "user", content: "Words that somebody has said to a tool before. ".repeat(20) };
const conversation = Array.from({ length: turns }, () => turn);
const log = createLogger("bench", "silent");
using folder = temporaryFolder();
using keeper = createKeeper({
  dataFolder: folder.path,
  limits: { retentionDays: 7, maxBytes: 100 << 20 },
  log,
  now: Date.now,
});
keeper.follow("enterprise");
const keptMs: number[] = [];
const keepTimed: KeepWords = (call) => {
  const startedAt = performance.now();
  keeper.keepWords()?.(call);
  keptMs.push(performance.now() - startedAt);
};
let counted = 0;
const common = {
  authority: deviceAuthority,
  upstreamCa: [authority.certificate],
  onSighting: () => void (counted += 1),
  judge: () => null,
  log,
};
const toProvider = (): Socket =>
  connect({ port: provider.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
const intercepted = async (intercept: Intercept, client: Socket): Promise<void> => {
  const target = toProvider();
  await once(target, "connect");
  const dial = () => Promise.resolve({ kind: "open" as const, socket: toProvider() });
  intercept.accept({ client, target, to: { host, port: 443, family: 0 }, userAgent: "bench", dial });
};
const startFront = async (intercept: Intercept): Promise<{ readonly port: number; close(): void }> => {
  const front = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on("error", () => undefined);
    void intercepted(intercept, client);
  }).listen(0, "127.0.0.1");
  await once(front, "listening");
  return { port: (front.address() as AddressInfo).port, close: () => void front.close() };
};
const aboutAnswers = {
  name: "Brand",
  type: "CONTENT_DLP",
  action: "OBSERVE",
  in: "answer",
  phrases: Array.from({ length: 500 }, (_, at) => `xx phrase ${at}`),
};
const evaluator = createEvaluator({
  version: 1,
  issuedAt: new Date().toISOString(),
  settings: defaultAgentSettings,
  rules: [{ rule: aboutAnswers, spentUsd: null }],
  hasCostCentre: null,
});
const listen = (): AnswerListener | null => {
  const heard = evaluator.listen();
  return heard === null ? null : { hear: heard.hear, end: () => void heard.broken() };
};
const front = await startFront(startIntercept(common));
const listeningFront = await startFront(startIntercept({ ...common, listen }));
const keepingFront = await startFront(startIntercept({ ...common, keepWords: () => keepTimed }));

const dialTls = async (port: number, ca: string): Promise<TLSSocket> => {
  const socket = connectTls({ port, host: "127.0.0.1", servername: host, ca, ALPNProtocols: ["http/1.1"] });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  return socket;
};

/** Delays of the first and of every later event of one call, in milliseconds. */
async function call(
  socket: TLSSocket,
): Promise<{ readonly first: number; readonly later: readonly number[] }> {
  const out = request({
    createConnection: () => socket,
    method: "POST",
    path: "/v1/messages",
    headers: { host },
  });
  const asked = { role: "user", content: `And this is new: ${Math.random()}` };
  out.end(JSON.stringify({ messages: [...conversation, asked] }));
  const [answer] = (await once(out, "response")) as [IncomingMessage];
  const delays: number[] = [];
  for await (const chunk of answer) {
    const arrivedAt = performance.now();
    for (const match of String(chunk).matchAll(/"at":([\d.]+)/g)) delays.push(arrivedAt - Number(match[1]));
  }
  socket.destroy();
  const [first = Number.NaN, ...later] = delays;
  return { first, later };
}

const ways = {
  direct: () => dialTls(provider.port, authority.certificate),
  intercept: () => dialTls(front.port, deviceAuthority.certificate),
  keeping: () => dialTls(keepingFront.port, deviceAuthority.certificate),
  listening: () => dialTls(listeningFront.port, deviceAuthority.certificate),
};
const order = ["direct", "intercept", "keeping", "listening"] as const;
const seen = {
  direct: { first: [] as number[], later: [] as number[] },
  intercept: { first: [] as number[], later: [] as number[] },
  keeping: { first: [] as number[], later: [] as number[] },
  listening: { first: [] as number[], later: [] as number[] },
};
for (let round = 0; round < rounds; round += 1) {
  // Each way comes after each other one: what a call leaves to do falls upon the next.
  const turned = [...order.slice(round % order.length), ...order.slice(0, round % order.length)];
  for (const way of turned) {
    const { first, later } = await call(await ways[way]());
    // The first rounds compile the code.
    if (round < 20) continue;
    seen[way].first.push(first);
    seen[way].later.push(...later);
  }
}
const at = (delays: readonly number[], share: number): string =>
  (delays.toSorted((a, b) => a - b)[Math.floor(delays.length * share)] ?? Number.NaN).toFixed(3);
for (const way of order) {
  for (const part of ["first", "later"] as const) {
    const delays = seen[way][part];
    process.stdout.write(
      `${way} ${part}: p50 ${at(delays, 0.5)} ms, p99 ${at(delays, 0.99)} ms (${delays.length})\n`,
    );
  }
}
process.stdout.write(
  `keeping a call: p50 ${at(keptMs.slice(20), 0.5)} ms, p99 ${at(keptMs.slice(20), 0.99)} ms after its answer\n`,
);
const kept = listCaptures(folder.path, 10 * rounds).captures.length;
process.stdout.write(`calls counted: ${counted} of ${3 * rounds}, kept: ${kept} of ${rounds}\n`);
front.close();
keepingFront.close();
listeningFront.close();
