/**
 * What the intercept adds to a streamed call: time from an event leaving the provider to its arrival at the client, over
 * TLS directly, through the intercept, through one that keeps what is said (enterprise mode), and through one that looks
 * for 500 phrases in answers, in turns, in one process; and the same over a WebSocket, compressed, directly and through
 * the intercept. Each call carries a long conversation with one new turn.
 * `node agent/bench/intercept.ts`
 */
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
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
import { startProvider, type Talk } from "../test/support/provider.ts";
import { authority } from "../test/support/tls.ts";

const host = "api.anthropic.com";
const socketHost = "api.openai.com";
const rounds = 300;
const events = 20;
const gapMs = 1;

const text = "x".repeat(200);
const talk: Talk = (socket) => {
  const send = (event: object): void => socket.send(JSON.stringify(event));
  const response = { id: "resp_1", model: "gpt-x" };
  const answer = async (): Promise<void> => {
    send({ type: "response.created", response });
    for (let at = 0; at < events; at += 1) {
      send({ type: "response.output_text.delta", delta: text, at: performance.now() });
      await delay(gapMs);
    }
    send({
      type: "response.completed",
      response: { ...response, usage: { input_tokens: 1, output_tokens: 1 } },
    });
  };
  socket.once("message", () => void answer());
};
await using provider = await startProvider(
  async (incoming, response) => {
    incoming.resume();
    response.setHeader("content-type", "text/event-stream");
    for (let at = 0; at < events; at += 1) {
      response.write(
        `data: ${JSON.stringify({ type: "content_block_delta", delta: { text }, at: performance.now() })}\n\n`,
      );
      await delay(gapMs);
    }
    response.end();
  },
  { talk, compression: { threshold: 0 } },
);
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
const intercepted = async (intercept: Intercept, client: Socket, name: string): Promise<void> => {
  const target = toProvider();
  await once(target, "connect");
  const dial = () => Promise.resolve({ kind: "open" as const, socket: toProvider() });
  intercept.accept({ client, target, to: { host: name, port: 443, family: 0 }, userAgent: "bench", dial });
};
const startFront = async (
  intercept: Intercept,
  name = host,
): Promise<{ readonly port: number; close(): void }> => {
  const front = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on("error", () => undefined);
    void intercepted(intercept, client, name);
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
const socketFront = await startFront(startIntercept(common), socketHost);
const keepingFront = await startFront(startIntercept({ ...common, keepWords: () => keepTimed }));

const dialTls = async (port: number, ca: string, servername = host): Promise<TLSSocket> => {
  const socket = connectTls({ port, host: "127.0.0.1", servername, ca, ALPNProtocols: ["http/1.1"] });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  return socket;
};

/** Delays of the first and of every later event of one call, in milliseconds. */
interface Delays {
  readonly first: number;
  readonly later: readonly number[];
}

async function call(socket: TLSSocket): Promise<Delays> {
  const out = request({
    createConnection: () => socket,
    method: "POST",
    path: "/v1/messages",
    headers: { host },
  });
  out.end(JSON.stringify({ messages: [...conversation, newTurn()] }));
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

async function callOverSocket(socket: TLSSocket): Promise<Delays> {
  const client = new WebSocket(`wss://${socketHost}/v1/responses`, { createConnection: () => socket });
  const delays: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  client.on("message", (data: Buffer) => {
    const arrivedAt = performance.now();
    const { type, at: leftAt } = JSON.parse(data.toString()) as {
      readonly type: string;
      readonly at?: number;
    };
    if (leftAt !== undefined) delays.push(arrivedAt - leftAt);
    if (type === "response.completed") resolve();
  });
  await once(client, "open");
  client.send(JSON.stringify({ type: "response.create", input: [...conversation, newTurn()] }));
  await promise;
  client.terminate();
  const [first = Number.NaN, ...later] = delays;
  return { first, later };
}

function newTurn(): object {
  return { role: "user", content: `And this is new: ${Math.random()}` };
}

const ways: Readonly<Record<string, () => Promise<Delays>>> = {
  direct: async () => call(await dialTls(provider.port, authority.certificate)),
  intercept: async () => call(await dialTls(front.port, deviceAuthority.certificate)),
  keeping: async () => call(await dialTls(keepingFront.port, deviceAuthority.certificate)),
  listening: async () => call(await dialTls(listeningFront.port, deviceAuthority.certificate)),
  "socket direct": async () =>
    callOverSocket(await dialTls(provider.port, authority.certificate, socketHost)),
  "socket intercept": async () =>
    callOverSocket(await dialTls(socketFront.port, deviceAuthority.certificate, socketHost)),
};
const order = Object.entries(ways).map(([way, run]) => ({
  way,
  run,
  seen: { first: [] as number[], later: [] as number[] },
}));
for (let round = 0; round < rounds; round += 1) {
  // Each way comes after each other one: what a call leaves to do falls upon the next.
  const turned = [...order.slice(round % order.length), ...order.slice(0, round % order.length)];
  for (const { run, seen } of turned) {
    const { first, later } = await run();
    // The first rounds compile the code.
    if (round < 20) continue;
    seen.first.push(first);
    seen.later.push(...later);
  }
}
const at = (delays: readonly number[], share: number): string =>
  (delays.toSorted((a, b) => a - b)[Math.floor(delays.length * share)] ?? Number.NaN).toFixed(3);
for (const { way, seen } of order) {
  for (const part of ["first", "later"] as const) {
    const delays = seen[part];
    process.stdout.write(
      `${way} ${part}: p50 ${at(delays, 0.5)} ms, p99 ${at(delays, 0.99)} ms (${delays.length})\n`,
    );
  }
}
process.stdout.write(
  `keeping a call: p50 ${at(keptMs.slice(20), 0.5)} ms, p99 ${at(keptMs.slice(20), 0.99)} ms after its answer\n`,
);
const kept = listCaptures(folder.path, 10 * rounds).captures.length;
process.stdout.write(`calls counted: ${counted} of ${4 * rounds}, kept: ${kept} of ${rounds}\n`);
front.close();
socketFront.close();
keepingFront.close();
listeningFront.close();
