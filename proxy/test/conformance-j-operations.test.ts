/** Section J of the conformance table: what an operator does to a running proxy (J1 and J8 also stand with the tunnels). */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import anyTest, { type TestFn } from "ava";
import { until } from "@flowstate/shared/testing/until";
import { issueCertificate } from "@flowstate/shared/tls/certificate";
import {
  authority,
  connectHead,
  echo,
  exchange,
  readAll,
  readAnswer,
  startProxy,
  startTarget,
  tunnel,
  type RunningProxy,
} from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ target: Target }>;

test.before(async (t) => {
  t.context = { target: await startTarget(echo) };
});

test.after.always(({ context: { target } }) => target[Symbol.asyncDispose]());

const pair = (commonName: string, days = 5): { certificate: string; privateKey: string } =>
  issueCertificate(authority, { commonName, names: ["localhost", "127.0.0.1"], days });

function install({ tlsFolder }: RunningProxy, { certificate, privateKey }: ReturnType<typeof pair>): void {
  writeFileSync(join(tlsFolder, "proxy.pem"), certificate);
  writeFileSync(join(tlsFolder, "proxy-key.pem"), privateKey);
}

async function nameServed(proxy: RunningProxy): Promise<string> {
  const socket = await proxy.dial();
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

test("J4 a replaced certificate is used for new handshakes, open tunnels go on, and sessions resume", async (t) => {
  await using proxy = await startProxy();
  const to = `127.0.0.1:${t.context.target.port}`;
  const open = await tunnel(proxy, to);
  const first = await proxy.dial();
  const session = once(first, "session");
  first.write(connectHead(proxy, to));
  first.resume();
  const [ticket] = (await session) as [Buffer];
  install(proxy, pair("second"));
  await until("the new certificate", async () => (await nameServed(proxy)) === "second");
  open.write("still open");
  t.is(String((await once(open, "data"))[0]), "still open");
  const resumed = await proxy.dial({ session: ticket });
  t.true(resumed.isSessionReused());
  for (const socket of [open, first, resumed]) socket.destroy();
});

test("J5 a certificate that is broken, foreign to its key, or expired is not taken; the log says so", async (t) => {
  await using proxy = await startProxy();
  const alarms = (): number =>
    proxy.events("the replaced certificate is of no use; the one before it stays").length;
  const other = pair("other");
  const useless = [
    { certificate: "no certificate", privateKey: "no key" },
    { certificate: other.certificate, privateKey: pair("third").privateKey },
    pair("expired", -1),
  ];
  for (const [index, wrong] of useless.entries()) {
    install(proxy, wrong);
    await until("the alarm", () => alarms() > index);
    t.is(await nameServed(proxy), "localhost");
  }
  install(proxy, other);
  await until("the sound one", async () => (await nameServed(proxy)) === "other");
});

/** A connection on which a balancer has written its header. */
async function dialBehind(proxy: RunningProxy, header: string | Buffer): Promise<TLSSocket | null> {
  const raw: Socket = connectTcp(proxy.port, "127.0.0.1");
  raw.on("error", () => undefined);
  await once(raw, "connect");
  raw.write(header);
  const socket = connectTls({ socket: raw, host: "127.0.0.1", ca: proxy.ca });
  const { promise, resolve } = Promise.withResolvers<TLSSocket | null>();
  socket.once("secureConnect", () => resolve(socket));
  socket.once("error", () => resolve(null));
  socket.once("close", () => resolve(null));
  return promise;
}

test("J6 a trusted balancer names its client, and may speak for itself", async (t) => {
  await using proxy = await startProxy({ balancers: ["127.0.0.0/8"] });
  const to = `127.0.0.1:${t.context.target.port}`;
  const v2Local = Buffer.from("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "latin1");
  for (const [header, client] of [
    ["PROXY TCP4 192.0.2.7 198.51.100.1 1000 443\r\n", "192.0.2.7"],
    [v2Local, "127.0.0.1"],
  ] as const) {
    const socket = await dialBehind(proxy, header);
    if (socket === null) return t.fail();
    socket.write(connectHead(proxy, to));
    t.is((await readAnswer(socket)).status, 200);
    socket.destroy();
    await until("the log", () => proxy.log().some((line) => line["client"] === client));
  }
});

test("J6 a header that is malformed or missing, or comes from a stranger, ends the connection", async (t) => {
  await using proxy = await startProxy({ balancers: ["127.0.0.0/8"], timing: { headMs: 500 } });
  t.is(await dialBehind(proxy, "PROXY TCP4 nonsense\r\n"), null);
  t.is(await dialBehind(proxy, ""), null);
  t.is(await dialBehind(proxy, "PROXY TCP4 192.0.2.7 "), null);
  await using stranger = await startProxy({ balancers: ["192.0.2.0/24"] });
  t.is(await dialBehind(stranger, "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n"), null);
});

test("J7 without the control plane the proxy serves on for its grace, then answers 503 and is not ready", async (t) => {
  await using proxy = await startProxy({ timing: { graceMs: 4000 } });
  const to = `127.0.0.1:${t.context.target.port}`;
  await proxy.controlPlane.vanish();
  t.is((await exchange(proxy, connectHead(proxy, to))).status, 200);
  await until(
    "the end of the grace",
    async () => (await exchange(proxy, connectHead(proxy, to))).status === 503,
  );
  t.is((await fetch(`${proxy.admin}/readyz`)).status, 503);
  await proxy.controlPlane.comeBack();
  await until("service", async () => (await exchange(proxy, connectHead(proxy, to))).status === 200);
});

/** Resolves once nobody can connect any more. */
const listenerClosed = ({ port }: RunningProxy): Promise<boolean> =>
  until("the listener to be closed", async () => {
    const late = connectTcp(port, "127.0.0.1").on("error", () => undefined);
    await once(late, "close", { signal: AbortSignal.timeout(5000) }).catch(() => null);
    return late.readyState === "closed";
  });

test("J1 a drain waits for a request that is still on its way", async (t) => {
  const proxy = await startProxy({ timing: { drainMs: 20_000 } });
  const socket = await proxy.dial();
  const drained = proxy[Symbol.asyncDispose]();
  await listenerClosed(proxy);
  socket.write(connectHead(proxy, `127.0.0.1:${t.context.target.port}`, undefined));
  t.is((await readAnswer(socket)).status, 200);
  socket.end("through");
  t.is((await readAll(socket)).toString(), "through");
  await drained;
});

test("J1 a drain waits for a tunnel whose target has not answered yet, and meters what it carries", async (t) => {
  const asked = Promise.withResolvers<Socket>();
  await using upstream = await startTarget((socket) => void socket.once("data", () => asked.resolve(socket)));
  const proxy = await startProxy({
    upstream: `http://127.0.0.1:${upstream.port}`,
    timing: { drainMs: 20_000 },
  });
  const socket = await proxy.dial();
  socket.write(connectHead(proxy, "host.example:443"));
  const onward = await asked.promise;
  const drained = proxy[Symbol.asyncDispose]();
  await listenerClosed(proxy);
  onward.write("HTTP/1.1 200 OK\r\n\r\n");
  t.is((await readAnswer(socket)).status, 200);
  onward.pipe(onward);
  socket.end("through");
  t.is((await readAll(socket)).toString(), "through");
  await drained;
  const sum = (field: "tunnels" | "bytesUp" | "bytesDown"): number =>
    proxy.controlPlane.rows().reduce((total, row) => total + row[field], 0);
  t.deepEqual([sum("tunnels"), sum("bytesUp"), sum("bytesDown")], [1, 7, 7]);
});

test("J1 a drain waits for the answer to a forwarded request", async (t) => {
  const asked = Promise.withResolvers<Socket>();
  await using origin = await startTarget((socket) => void socket.once("data", () => asked.resolve(socket)));
  const proxy = await startProxy({ timing: { drainMs: 20_000 } });
  const to = `127.0.0.1:${origin.port}`;
  const socket = await proxy.dial();
  const credential = `Proxy-Authorization: ${proxy.credential()}`;
  socket.write([`GET http://${to}/ HTTP/1.1`, `Host: ${to}`, credential, "", ""].join("\r\n"));
  const onward = await asked.promise;
  const drained = proxy[Symbol.asyncDispose]();
  await listenerClosed(proxy);
  onward.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
  t.true((await readAll(socket)).toString().endsWith("\r\n\r\nlate"));
  await drained;
});

test("J1 what does not settle in time is cut off", async (t) => {
  const asked = Promise.withResolvers<Socket>();
  await using upstream = await startTarget((socket) => void socket.once("data", () => asked.resolve(socket)));
  const proxy = await startProxy({
    upstream: `http://127.0.0.1:${upstream.port}`,
    timing: { drainMs: 200 },
  });
  const socket = await proxy.dial();
  socket.write(connectHead(proxy, "host.example:443"));
  const answer = readAnswer(socket);
  await asked.promise;
  await proxy[Symbol.asyncDispose]();
  t.is((await answer).status, 0);
  const line = await until("its line in the log", () => proxy.log().at(-1));
  t.like(line, { status: 499, outcome: "connection_terminated" });
});
