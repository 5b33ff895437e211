/** Section I of the conformance table (I1 to I3 stand with the tunnels): what ciphertext shows, and what is kept of it. */
import { once } from "node:events";
import { connect as connectHttp2, createSecureServer, type ClientHttp2Session } from "node:http2";
import { Agent, createServer, request as httpsRequest } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import anyTest, { type TestFn } from "ava";
import { until } from "@flowstate/shared/testing/until";
import { issueCertificate } from "@flowstate/shared/tls/certificate";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import { startNameServer, type NameServer } from "@flowstate/shared/testing/name-server";
import {
  authority,
  echo,
  readAll,
  startProxy,
  startTarget,
  tunnel,
  type RunningProxy,
} from "./support/running.ts";

const test = anyTest as TestFn<{ names: NameServer; origin: Origin; fast: Origin }>;

interface Origin {
  readonly port: number;
  close(): void;
}

const names = ["host.example", "eu.host.example", "other.example"];
const { certificate: cert, privateKey: key } = issueCertificate(authority, {
  commonName: "host.example",
  names,
  days: 5,
});

/** Answers as an AI provider does: 25 events of a stream, one write each. */
function answerInEvents(
  request: { resume(): void; on(name: "end", then: () => void): void },
  response: ServerResponse,
): void {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let left = 25;
    const next = (): void => {
      left -= 1;
      response.write(`data: {"delta":"${"word ".repeat(5)}"}\n\n`);
      if (left > 0) setImmediate(next);
      else response.end();
    };
    next();
  });
}

async function listening(
  server: ReturnType<typeof createServer> | ReturnType<typeof createSecureServer>,
): Promise<Origin> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

test.before(async (t) => {
  t.context = {
    names: await startNameServer(Object.fromEntries(names.map((name) => [name, ["127.0.0.1"]]))),
    origin: await listening(createServer({ cert, key, keepAliveTimeout: 60_000 }, answerInEvents)),
    fast: await listening(
      createSecureServer({ cert, key }, (request, response) =>
        answerInEvents(request, response as unknown as ServerResponse),
      ),
    ),
  };
});

test.after.always(async ({ context: { names, origin, fast } }) => {
  await names[Symbol.asyncDispose]();
  origin.close();
  fast.close();
});

const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hello ".repeat(100) }] });

async function inside(
  proxy: RunningProxy,
  port: number,
  options: ConnectionOptions = {},
  host = "host.example",
): Promise<TLSSocket> {
  const outer = await tunnel(proxy, `${host}:${port}`);
  const inner = connectTls({ socket: outer, ca: authority.certificate, servername: host, ...options });
  inner.on("error", () => undefined);
  await once(inner, "secureConnect");
  return inner;
}

async function postHttp1(agent: Agent, port: number): Promise<void> {
  const request = httpsRequest({ host: "host.example", port, method: "POST", path: "/v1/messages", agent });
  request.end(body);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  for await (const _ of answer);
}

async function postHttp2(session: ClientHttp2Session): Promise<void> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/v1/messages",
    "content-type": "application/json",
  });
  stream.end(body);
  for await (const _ of stream);
}

const metered = (proxy: RunningProxy, done: (row: MeterRow) => boolean): Promise<MeterRow> =>
  until("the meter", () => proxy.controlPlane.rows().find(done));

test("I6 twenty requests in turn over HTTP/1.1 in one tunnel are estimated as twenty, and never counted as exact", async (t) => {
  await using proxy = await startProxy({ dnsServers: [t.context.names.address] });
  const socket = await inside(proxy, t.context.origin.port, { ALPNProtocols: ["http/1.1"] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => socket;
  for (let index = 0; index < 20; index += 1) await postHttp1(agent, t.context.origin.port);
  agent.destroy();
  const total = await estimateOf(proxy);
  t.deepEqual(total, { tunnels: 1, requests: 0, estimated: 20, methods: ["turns/v1"] });
});

for (const [what, streams, least, most] of [
  ["in turn", 1, 18, 22],
  ["five at a time", 5, 4, 22],
] as const) {
  test(`I6 twenty requests over HTTP/2 ${what} are estimated as ${least} to ${most}, and labelled as the weaker estimate`, async (t) => {
    await using proxy = await startProxy({ dnsServers: [t.context.names.address] });
    const socket = await inside(proxy, t.context.fast.port, { ALPNProtocols: ["h2", "http/1.1"] });
    const session = connectHttp2("https://host.example", { createConnection: () => socket });
    for (let done = 0; done < 20; done += streams)
      await Promise.all(Array.from({ length: streams }, () => postHttp2(session)));
    session.destroy();
    const { estimated, ...total } = await estimateOf(proxy);
    t.deepEqual(total, { tunnels: 1, requests: 0, methods: ["turns/v1+h2"] });
    t.true(estimated >= least && estimated <= most, `${estimated} requests were estimated`);
  });
}

/** The sums of all rows, once the tunnel has ended. */
async function estimateOf(proxy: RunningProxy) {
  await until("the end of the tunnel", () => proxy.log().length > 0);
  await until("the meter", () => proxy.controlPlane.rows().some(({ sni }) => Object.keys(sni).length > 0));
  const [line] = proxy.log();
  const sum = (field: "tunnels" | "requests" | "estimatedRequests" | "bytesUp" | "bytesDown"): number =>
    proxy.controlPlane.rows().reduce((total, row) => total + row[field], 0);
  // A request is counted with its answer, so those of both directions.
  await until(
    "every byte",
    () => sum("bytesUp") === line?.["bytesUp"] && sum("bytesDown") === line["bytesDown"],
  );
  const rows = proxy.controlPlane.rows();
  return {
    tunnels: sum("tunnels"),
    requests: sum("requests"),
    estimated: sum("estimatedRequests"),
    methods: [...new Set(rows.flatMap(({ estimateMethod }) => estimateMethod ?? []))],
  };
}

for (const [servername, outcome] of [
  ["host.example", "equal"],
  ["eu.host.example", "same_provider"],
  ["other.example", "mismatch"],
  ["", "none"],
] as const) {
  test(`I5 a tunnel to host.example whose server name is ${servername || "absent"} is counted as ${outcome}`, async (t) => {
    await using proxy = await startProxy({ dnsServers: [t.context.names.address] });
    const socket = await inside(proxy, t.context.origin.port, {
      servername,
      checkServerIdentity: () => undefined,
    });
    t.deepEqual((await metered(proxy, ({ sni }) => Object.keys(sni).length > 0)).sni, { [outcome]: 1 });
    socket.destroy();
  });
}

test("I5 a tunnel that carries something else than TLS is counted as that", async (t) => {
  await using proxy = await startProxy({ dnsServers: [t.context.names.address] });
  await using target = await startTarget(echo);
  const socket = await tunnel(proxy, `host.example:${target.port}`, "SSH-2.0-x\r\n");
  t.deepEqual((await metered(proxy, ({ sni }) => Object.keys(sni).length > 0)).sni, { not_tls: 1 });
  socket.destroy();
});

test("no size and no time of a single record is stored or logged", async (t) => {
  // Rows are sums over an interval, which here is the whole of the tunnel.
  const proxy = await startProxy({ dnsServers: [t.context.names.address], timing: { flushMs: 600_000 } });
  // Sizes that no sum of others makes, in TLS records of a client and a server that both follow the script.
  const sizes = [1009, 2027, 4057, 8111];
  const record = (size: number): Buffer =>
    Buffer.concat([Buffer.from([23, 3, 3, size >> 8, size & 255]), Buffer.alloc(size)]);
  await using target = await startTarget((socket) =>
    socket.on("data", () => socket.write(record(5003))).on("end", () => socket.end()),
  );
  const socket = await tunnel(proxy, `host.example:${target.port}`);
  for (const size of sizes) {
    const answered = once(socket, "data");
    socket.write(record(size));
    await answered;
  }
  socket.end();
  await readAll(socket);
  const [line] = await until("the end of the tunnel", () => (proxy.log().length > 0 ? proxy.log() : null));
  await proxy[Symbol.asyncDispose]();
  t.is(
    proxy.controlPlane.rows().reduce((sum, row) => sum + row.bytesUp, 0),
    Number(line?.["bytesUp"]),
  );
  const kept = [line, ...proxy.controlPlane.rows()].flatMap((one) => numbersIn(one));
  t.true(kept.length > 0);
  for (const size of [...sizes, 5003]) {
    const forms = new Set([size, size + 5, size - 17]);
    t.false(
      kept.some((number) => forms.has(number)),
      `${size} stands in ${JSON.stringify(kept)}`,
    );
  }
  // Of times there is a first and a last per hour and the length of the whole, nothing per record.
  t.deepEqual(timesIn(proxy.controlPlane.rows()), ["firstSeenAt", "hour", "lastSeenAt"]);
});

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null
    ? Object.values(value).flatMap((one) => numbersIn(one))
    : [];
}

function timesIn(rows: readonly object[]): string[] {
  const entries = rows.flatMap((row) => Object.entries(row));
  return [
    ...new Set(
      entries.filter(([, value]) => typeof value === "number" && value > 1e12).map(([name]) => name),
    ),
  ].toSorted();
}
