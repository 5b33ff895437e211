/**
 * What the intercept adds to a streamed call: time from an event leaving the provider to its arrival at the client, over
 * TLS directly, through a program that passes bytes on as they are, through the intercept, through one that keeps what is said (enterprise mode), and through one that looks
 * for 500 phrases in answers, in turns; and the same over a WebSocket, compressed, directly and through the intercept.
 * Client, intercept and provider are a process each, as in life. Each call carries a long conversation with one new turn.
 * `node agent/bench/intercept.ts`
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import { daemonFlags, mallocSettings } from "../src/packaged/node-options.ts";
import {
  callHost,
  rounds,
  sharedMs,
  socketHost,
  type InterceptDid,
  type InterceptSays,
  type ProviderSays,
} from "./intercept/said.ts";

const turn = { role: "user", content: "Words that somebody has said to a tool before. ".repeat(20) };
/** Neighbours on a shared machine take the processor away for milliseconds; the calmest stretches show less of that. */
const stretchRounds = 28;
const calmStretches = 3;
const conversation = Array.from({ length: 100 }, () => turn);

const program = (name: string): string => new URL(`intercept/${name}.ts`, import.meta.url).pathname;
const told = async <Said>(child: ChildProcess): Promise<Said> =>
  ((await once(child, "message")) as [Said])[0];
const provider = fork(program("provider"));
const providerSays = await told<ProviderSays>(provider);
const agent = fork(program("agent"), {
  execArgv: [...daemonFlags],
  env: { ...process.env, ...mallocSettings },
});
agent.send(providerSays);
const { ports, ca } = await told<InterceptSays>(agent);

const dialTls = async (port: number, trusted: string, servername: string): Promise<TLSSocket> => {
  const socket = connectTls({
    port,
    host: "127.0.0.1",
    servername,
    ca: trusted,
    ALPNProtocols: ["http/1.1"],
  });
  socket.setNoDelay(true);
  await once(socket, "secureConnect");
  return socket;
};
const direct = (host: string) => dialTls(providerSays.port, providerSays.ca, host);
const through = (port: number, host: string) => dialTls(port, ca, host);

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
    headers: { host: callHost },
  });
  out.end(JSON.stringify({ messages: [...conversation, newTurn()] }));
  const [answer] = (await once(out, "response")) as [IncomingMessage];
  const delays: number[] = [];
  for await (const chunk of answer) {
    const arrivedAt = sharedMs();
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
    const arrivedAt = sharedMs();
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
  direct: async () => call(await direct(callHost)),
  "passed on": async () => call(await dialTls(ports.untouched, providerSays.ca, callHost)),
  intercept: async () => call(await through(ports.plain, callHost)),
  keeping: async () => call(await through(ports.keeping, callHost)),
  listening: async () => call(await through(ports.listening, callHost)),
  "socket direct": async () => callOverSocket(await direct(socketHost)),
  "socket intercept": async () => callOverSocket(await through(ports.socket, socketHost)),
};
const order = Object.entries(ways).map(([way, run]) => ({ way, run, seen: [] as Delays[] }));
// The first rounds compile the code.
const unseen = 20;
for (let round = 0; round < rounds; round += 1) {
  // Each way comes after each other one: what a call leaves to do falls upon the next.
  const turned = [...order.slice(round % order.length), ...order.slice(0, round % order.length)];
  for (const { run, seen } of turned) {
    const delays = await run();
    if (round >= unseen) seen.push(delays);
  }
}
agent.send("done");
const { counted, kept, keptMs } = await told<InterceptDid>(agent);
provider.disconnect();

const at = (delays: readonly number[], share: number): number =>
  delays.toSorted((a, b) => a - b)[Math.floor(delays.length * share)] ?? Number.NaN;
const parts = {
  first: (calls: readonly Delays[]) => calls.map(({ first }) => first),
  later: (calls: readonly Delays[]) => calls.flatMap(({ later }) => later),
};
const stretches = Array.from(
  { length: (rounds - unseen) / stretchRounds },
  (_, index) => index * stretchRounds,
);
/** 99th percentile over the stretches in which the machine left this way alone most. */
const calmP99 = (calls: readonly Delays[], of: (calls: readonly Delays[]) => readonly number[]): number => {
  const cut = stretches.map((from) => of(calls.slice(from, from + stretchRounds)));
  return at(
    cut
      .toSorted((a, b) => at(a, 0.99) - at(b, 0.99))
      .slice(0, calmStretches)
      .flat(),
    0.99,
  );
};
for (const { way, seen } of order) {
  for (const [part, of] of Object.entries(parts)) {
    const delays = of(seen);
    const [p50, p99, calm] = [at(delays, 0.5), at(delays, 0.99), calmP99(seen, of)].map((ms) =>
      ms.toFixed(3),
    );
    process.stdout.write(
      `${way} ${part}: p50 ${p50} ms, p99 ${p99} ms, ${calm} ms when calm (${delays.length})\n`,
    );
  }
}
const keptAfter = [0.5, 0.99].map((share) => at(keptMs.slice(unseen), share).toFixed(3));
process.stdout.write(`keeping a call: p50 ${keptAfter[0]} ms, p99 ${keptAfter[1]} ms after its answer\n`);
process.stdout.write(`calls counted: ${counted} of ${4 * rounds}, kept: ${kept} of ${rounds}\n`);
