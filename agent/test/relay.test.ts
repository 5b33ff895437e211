import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import test from "ava";
import { createLogger } from "@flowstate/shared/log";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { Secret } from "@flowstate/shared/secret";
import { freePort } from "@flowstate/shared/testing/free-port";
import { until } from "@flowstate/shared/testing/until";
import { admitOwn } from "../src/relay/peer.ts";
import { startRelay, type Relay, type RelayOptions } from "../src/relay/server.ts";
import { parseUpstream } from "../src/relay/upstream.ts";
import { startUpstream } from "./support/upstream.ts";
import { askAs, ownUid, someUid } from "./support/other-user.ts";
import { startCloudProxy, type FakeCloudProxyOptions } from "./support/cloud-proxy.ts";
import { authority } from "./support/tls.ts";

const credential = basicCredential({ user: "person@example.com", password: "key" });
const log = createLogger("test", "silent");

const relayTo = (url: URL | null, options: Partial<RelayOptions> = {}): Promise<Relay> =>
  startRelay({
    port: 0,
    cloudProxy:
      url === null ? null : { url, credential: new Secret(credential), ca: [authority.certificate] },
    whenDown: "fail",
    intercept: null,
    log,
    ...options,
  });

/** A cloud proxy and a relay before it. */
const startBoth = async (proxyOptions: FakeCloudProxyOptions = {}, options: Partial<RelayOptions> = {}) => {
  const proxy = await startCloudProxy(proxyOptions);
  const relay = await relayTo(proxy.url, options);
  return {
    proxy,
    relay,
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
};

const startTarget = async (onSocket: (socket: Socket) => void) => {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
};

const open = (relay: Relay, bytes: string): Socket => {
  const socket = connect({ port: relay.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  socket.write(bytes);
  return socket;
};

/** All until the peer's end. Unlike `text` of node:stream/consumers it leaves the own direction open. */
const readAll = async (socket: Socket): Promise<string> => {
  let received = "";
  socket.on("data", (chunk: Buffer) => void (received += chunk.toString("latin1")));
  await once(socket, "end");
  return received;
};

const readUntil = async (socket: Socket, mark: string): Promise<string> => {
  let received = "";
  const onData = (chunk: Buffer): void => void (received += chunk.toString("latin1"));
  socket.on("data", onData);
  await until(JSON.stringify(mark), () => received.includes(mark) || socket.readableEnded);
  socket.off("data", onData);
  return received;
};

test("a tunnel carries credentials to the proxy, and bytes only after its 2xx", async (t) => {
  let early = 0;
  const release = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using target = await startTarget((socket) => void socket.pipe(socket));
  await using both = await startBoth({
    before200: async (client) => {
      asked.resolve();
      await release.promise;
      early = client.readableLength;
    },
  });
  const socket = open(both.relay, `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\nHost: x\r\n\r\nsent early`);
  await asked.promise;
  release.resolve();
  const received = await readUntil(socket, "sent early");
  t.regex(received, /^HTTP\/1\.1 200 .*\r\n\r\nsent early$/s);
  t.is(early, 0);
  t.is(both.proxy.heads[0]?.headers["proxy-authorization"], credential);
  socket.destroy();
});

test("either side may end its direction first", async (t) => {
  await using target = await startTarget((socket) => {
    void readAll(socket).then((all) => socket.end(`heard ${all}`));
  });
  await using both = await startBoth();
  const socket = open(both.relay, `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n\r\n`);
  await readUntil(socket, "\r\n\r\n");
  socket.end("all of it");
  t.is(await readAll(socket), "heard all of it");

  await using speaker = await startTarget((socket) => {
    socket.end("first");
    void readAll(socket).then((all) => heard.resolve(all));
  });
  const heard = Promise.withResolvers<string>();
  const second = open(both.relay, `CONNECT 127.0.0.1:${speaker.port} HTTP/1.1\r\n\r\n`);
  await readUntil(second, "first");
  second.end("still sending");
  t.is(await heard.promise, "still sending");
});

test("a target that breaks off is a connection that breaks off, not an end", async (t) => {
  await using target = await startTarget((socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  });
  await using relay = await relayTo(null);
  const socket = open(relay, `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n\r\n`);
  await readUntil(socket, "\r\n\r\n");
  const broken = once(socket, "error");
  socket.resume();
  socket.write("go");
  t.like((await broken)[0], { code: "ECONNRESET" });
});

const refusals: [what: string, refuse: string, outcome: RegExp][] = [
  [
    "407 is not asked of the tool, which has nothing to answer with",
    "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nbad",
    /^HTTP\/1\.1 502 [^]*does not accept this device's key/,
  ],
  [
    "a policy's 403 comes through with its words",
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 18\r\n\r\nthe rule says no\r\n",
    /^HTTP\/1\.1 403 [^]*the rule says no/,
  ],
  ["something that is no HTTP", "SSH-2.0-x\r\n", /^HTTP\/1\.1 502 [^]*cannot be reached \(HPE_INVALID/],
];

for (const [what, refuse, outcome] of refusals) {
  test(`the cloud proxy refuses: ${what}`, async (t) => {
    await using both = await startBoth({ refuse });
    const socket = open(both.relay, "CONNECT 127.0.0.1:9 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const answer = await text(socket);
    t.regex(answer, outcome);
    t.is(answer.match(/HTTP\/1\.1/g)?.length, 1, "what follows a refused CONNECT is never read as a request");
  });
}

test("without the cloud proxy a tunnel goes direct or fails, as the policy says", async (t) => {
  await using target = await startTarget((socket) => void socket.end("direct"));
  const away = new URL(`https://localhost:${await freePort()}`);
  await using openRelay = await relayTo(away, { whenDown: "direct" });
  await using closedRelay = await relayTo(away, { whenDown: "fail" });
  const connectTo = `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n\r\n`;
  t.regex(await text(open(openRelay, connectTo)), /^HTTP\/1\.1 200 [^]*direct$/);
  t.regex(await text(open(closedRelay, connectTo)), /^HTTP\/1\.1 502 [^]*cannot be reached \(ECONNREFUSED\)/);
});

test("the cloud proxy's certificate is verified", async (t) => {
  await using proxy = await startCloudProxy();
  const cloudProxy = { url: proxy.url, credential: new Secret(credential), ca: undefined };
  await using relay = await relayTo(null, { cloudProxy });
  t.regex(await text(open(relay, "CONNECT 127.0.0.1:9 HTTP/1.1\r\n\r\n")), /^HTTP\/1\.1 502 /);
  t.is(proxy.heads.length, 0, "no credential is sent to a server that cannot prove its name");
});

test("absolute form goes to the cloud proxy with credentials, and an upgrade becomes a byte stream", async (t) => {
  await using both = await startBoth();
  const answer = await new Promise<string>((resolve, reject) => {
    const { port } = both.relay;
    const headers = { host: "example.com", "x-keep": "1", "proxy-connection": "keep-alive" };
    const out = request({ host: "127.0.0.1", port, method: "POST", path: "http://example.com/a?b", headers });
    out.on("response", (response) => void text(response).then(resolve, reject));
    out.on("error", reject);
    out.end("the body");
  });
  t.is(answer, "the body");
  const [head] = both.proxy.heads;
  t.is(head?.url, "http://example.com/a?b");
  t.like(head?.headers, { "proxy-authorization": credential, "x-keep": "1", host: "example.com" });
  t.is(head?.headers["proxy-connection"], undefined);

  const socket = open(
    both.relay,
    "GET http://example.com/ws HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
  );
  await readUntil(socket, "\r\n\r\n");
  socket.write("ping");
  t.is(await readUntil(socket, "ping"), "ping");
  socket.destroy();
});

test("the relay serves its PAC file to programs and nothing to web pages", async (t) => {
  await using relay = await relayTo(null);
  const pac = await fetch(`${relay.address}/proxy.pac`);
  t.is(pac.headers.get("content-type"), "application/x-ns-proxy-autoconfig");
  t.true((await pac.text()).includes(`PROXY 127.0.0.1:${relay.port}`));
  const page = await fetch(`${relay.address}/proxy.pac`, { headers: { origin: "https://page.example" } });
  t.is(page.status, 403);
  const rebound = open(
    relay,
    "GET /proxy.pac HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n",
  );
  t.regex(await text(rebound), /^HTTP\/1\.1 403 /);
  await t.throwsAsync(relayTo(null, { port: relay.port }), { message: /is taken/ });
});

test("a relay that stops lets an answer arrive that is on its way, and takes nothing new", async (t) => {
  const parts = ["one ", "two ", "three ", "four"];
  const begun = Promise.withResolvers<void>();
  await using target = await startTarget((socket) => {
    void (async () => {
      for (const part of parts) {
        socket.write(part);
        begun.resolve();
        await delay(150);
      }
      socket.end();
    })();
  });
  const relay = await relayTo(null);
  const connectTo = `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n\r\n`;
  const answer = readAll(open(relay, connectTo));
  await begun.promise;
  const stopped = relay[Symbol.asyncDispose]();
  const late = open(relay, connectTo);
  t.like((await once(late, "error"))[0], { code: "ECONNREFUSED" });
  t.true((await answer).endsWith(parts.join("")));
  await stopped;
});

test("a relay that stops does not wait for a tunnel in which nothing moves", async (t) => {
  await using target = await startTarget((socket) => void socket.write("hello"));
  const relay = await relayTo(null);
  const socket = open(relay, `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n\r\n`);
  await readUntil(socket, "hello");
  const end = readAll(socket);
  await relay[Symbol.asyncDispose]();
  t.is(await end, "");
});

const upstreamOf = (address: string) => {
  const parsed = parseUpstream(address);
  if (!parsed.ok) throw new Error(parsed.detail);
  return () => parsed.value;
};

test("everything that leaves goes through the network's own proxy, the cloud proxy too", async (t) => {
  await using upstream = await startUpstream();
  await using target = await startTarget((socket) => void socket.end("reached"));
  await using direct = await relayTo(null, { upstream: upstreamOf(upstream.address) });
  const connectTo = `CONNECT far.test:${target.port} HTTP/1.1\r\n\r\n`;
  t.regex(await text(open(direct, connectTo)), /^HTTP\/1\.1 200 [^]*reached$/);
  t.deepEqual(upstream.asked, [`CONNECT far.test:${target.port}`]);

  await using both = await startBoth(
    { name: "cloud.test", leadTo: target.port },
    { upstream: upstreamOf(upstream.address) },
  );
  t.regex(await text(open(both.relay, connectTo)), /^HTTP\/1\.1 200 [^]*reached$/);
  t.is(upstream.asked[1], `CONNECT ${both.proxy.url.host}`);
  t.is(both.proxy.heads[0]?.headers["proxy-authorization"], credential);
  const posted = `POST http://plain.test/ HTTP/1.1\r\nHost: plain.test\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi`;
  t.regex(await text(open(both.relay, posted)), /^HTTP\/1\.1 200 [^]*hi/);
  t.is(upstream.asked[2], `CONNECT ${both.proxy.url.host}`);
});

test("what is on this device is reached without the network's proxy, whose refusal is told", async (t) => {
  await using upstream = await startUpstream();
  await using target = await startTarget((socket) => void socket.end("reached"));
  const wrong = upstream.address.replace("p%40ss", "xyzzy");
  await using relay = await relayTo(null, { upstream: upstreamOf(wrong) });
  t.regex(
    await text(open(relay, `CONNECT 127.0.0.1:${target.port} HTTP/1.1\r\n\r\n`)),
    /^HTTP\/1\.1 200 [^]*reached$/,
  );
  t.deepEqual(upstream.asked, []);
  const refused = await text(open(relay, `CONNECT far.test:${target.port} HTTP/1.1\r\n\r\n`));
  t.regex(refused, /^HTTP\/1\.1 502 [^]*upstream proxy \S+ asks for another user or password/);
  t.false(refused.includes("xyzzy"));
});

const upstreams: [text: string, host: string | null][] = [
  ["http://proxy.corp:3128", "proxy.corp:3128"],
  ["https://ada:p%40ss@proxy.corp", "proxy.corp"],
  ["socks5://proxy.corp:1080", null],
  ["proxy.corp:3128", null],
  ["http://proxy.corp/path", null],
  ["http://a:%zz@proxy.corp", null],
];

for (const [address, host] of upstreams) {
  test(`an upstream proxy: ${address} -> ${host ?? "refused"}`, (t) => {
    const parsed = parseUpstream(address);
    t.is(parsed.ok ? parsed.value.url.host : null, host);
    t.false(JSON.stringify(parsed).includes("p%40ss"));
  });
}

const onLinux = process.platform === "linux" ? test : test.skip;
const tunnelHead = (port: number): readonly string[] => [`CONNECT 127.0.0.1:${port} HTTP/1.1`, "Host: x"];

onLinux("on Linux the relay serves its own user and root, and refuses every other one", async (t) => {
  await using target = await startTarget((socket) => socket.resume());
  const head = tunnelHead(target.port);
  await using own = await relayTo(null, { admits: await admitOwn(someUid) });
  t.regex(await askAs(someUid, own.port, head), /^HTTP\/1\.1 200 /);
  await using foreign = await relayTo(null, { admits: await admitOwn(someUid - 1) });
  t.regex(await askAs(someUid, foreign.port, head), /^HTTP\/1\.1 403 /);
  if (ownUid === 0) t.regex(await askAs(0, foreign.port, head), /^HTTP\/1\.1 200 /);

  const asked = request({
    port: foreign.port,
    path: "/proxy.pac",
    headers: { host: `127.0.0.1:${foreign.port}` },
  });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  t.is(answer.statusCode, ownUid === 0 ? 200 : 403);
  if (ownUid !== 0) t.regex(await text(answer), /FLOWSTATE_RELAY_USERS=all/);
  else answer.resume();
});

onLinux("a relay that runs as root serves everybody", async (t) => {
  t.is(await admitOwn(0), null);
});
