/** Section G of the conformance table: hostile peers, old clients, and what must not grow. */
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import anyTest, { type TestFn } from "ava";
import fc from "fast-check";
import { until } from "@flowstate/shared/testing/until";
import { parseConnect } from "../src/head/connect.ts";
import { parseForwardTarget } from "../src/head/target.ts";
import { needsOwnProxy } from "./support/against.ts";
import {
  connectHead,
  echo,
  exchange,
  readAll,
  startProxy,
  startTarget,
  tunnel,
  type RunningProxy,
} from "./support/running.ts";

const test = anyTest as TestFn<{ proxy: RunningProxy }>;

test.before(async (t) => {
  t.context = { proxy: await startProxy() };
});

test.after.always(async ({ context: { proxy } }) => {
  await proxy[Symbol.asyncDispose]();
});

/** Speaks clear text to a port and reads to the end of the connection. */
async function speakClearText(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  await once(socket, "connect");
  if (bytes.length > 0) socket.write(bytes);
  return (await readAll(socket)).toString("latin1");
}

test("G1 a head that does not come to its end in time -> 408 and the end", async (t) => {
  await using proxy = await startProxy({ timing: { headMs: 1000 } });
  for (const started of ["CONNECT host.example:443 HT", "GET http://host.example/ HTTP/1.1\r\nX-A: "]) {
    const socket = await proxy.dial();
    socket.write(started);
    t.regex((await readAll(socket)).toString(), /^HTTP\/1\.1 408 /);
  }
});

test("G1 a head that trickles is cut off all the same", async (t) => {
  await using proxy = await startProxy({ timing: { headMs: 1000 } });
  const socket = await proxy.dial();
  const trickle = setInterval(() => socket.write("a"), 100);
  socket.write("CONNECT ");
  await readAll(socket).catch(() => null);
  clearInterval(trickle);
  t.pass();
});

test("G2 G3 a handshake that is not finished, not begun, or followed by nothing is closed", async (t) => {
  await using proxy = await startProxy({ timing: { headMs: 1000 } });
  const hello = await firstFlight();
  t.is(await speakClearText(proxy.port, ""), "");
  t.is(await speakClearText(proxy.port, hello.subarray(0, 50)), "");
  const silent = await proxy.dial();
  t.regex((await readAll(silent)).toString(), /^(?:HTTP\/1\.1 408 [^]*)?$/);
  // The server's flight has come; the client never answers it.
  const half = connectTcp(proxy.port, "127.0.0.1");
  half.write(hello);
  t.true((await readAll(half)).length > 0);
});

const clearHeads = [
  [
    "CONNECT",
    "CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com\r\nProxy-Authorization: Basic abc\r\n\r\n",
  ],
  ["GET", "GET http://host.example/ HTTP/1.1\r\nHost: host.example\r\n\r\n"],
  ["POST", "POST http://host.example/ HTTP/1.1\r\nHost: host.example\r\nContent-Length: 0\r\n\r\n"],
] as const;

for (const [method, head] of clearHeads) {
  test(`B18 G4 ${method} in clear text to the TLS port -> a 400 in clear text that says so, a warning and a count`, async (t) => {
    await using proxy = await startProxy();
    const answer = await speakClearText(proxy.port, head);
    t.regex(answer, /^HTTP\/1\.1 400 [^]*^connection: close$[^]*https:\/\//im);
    await until("the count at the control plane", () => proxy.controlPlane.refusals()["clear_text"] === 1);
    t.deepEqual(proxy.log(), []);
    const metrics = await (await fetch(`${proxy.admin}/metrics`)).text();
    t.regex(metrics, /^flowstate_proxy_clear_text_total 1$/m);
  });
}

test("G5 TLS to the admin listener, which speaks clear text on loopback -> closed", async (t) => {
  const answer = await speakClearText(Number(new URL(t.context.proxy.admin).port), await firstFlight());
  t.regex(answer, /^(?:HTTP\/1\.1 400 [^]*)?$/);
});

test("G6 TLS 1.0 and 1.1 are refused with an alert, and the listener lives on", async (t) => {
  const { proxy } = t.context;
  for (let index = 0; index < 10; index += 1) {
    const version = index % 2 === 0 ? "TLSv1" : "TLSv1.1";
    const error = await t.throwsAsync(
      proxy.dial({ minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" }),
    );
    t.regex(error.message, /protocol version|no protocols available|unsupported protocol/i);
  }
  (await proxy.dial()).destroy();
});

for (const [what, servername] of [
  ["no server name", ""],
  ["an unknown server name", "other.example"],
] as const) {
  test(`G7 ${what} -> the one certificate there is`, async (t) => {
    const socket = await t.context.proxy.dial({ servername, checkServerIdentity: () => undefined });
    t.regex(String(socket.getPeerCertificate().subject.CN), /localhost/);
    socket.destroy();
  });
}

const offers: [offer: readonly string[] | null, chosen: string | false][] = [
  [null, false],
  [["http/1.1"], "http/1.1"],
  [["http 1.1"], "http 1.1"],
  [["http/1.1", "h2"], "http/1.1"],
  [["h2", "http/1.1"], "h2"],
  [["h2"], "h2"],
];

for (const [offer, chosen] of offers) {
  test(`G8 a client that offers ${offer?.join(", ") ?? "no protocol"} gets ${chosen || "none"}`, async (t) => {
    const { proxy } = t.context;
    const socket = await proxy.dial(offer === null ? {} : { ALPNProtocols: [...offer] });
    t.is(socket.alpnProtocol, chosen);
    socket.destroy();
  });
}

test("G8 a client that is given h2 and speaks HTTP/1.1, as Go's does, is served, however its head is cut", async (t) => {
  const { proxy } = t.context;
  await using target = await startTarget(echo);
  const head = connectHead(proxy, `127.0.0.1:${target.port}`);
  for (const cut of [0, 1, 3, 20]) {
    const socket = await proxy.dial({ ALPNProtocols: ["h2", "http/1.1"] });
    t.is(socket.alpnProtocol, "h2");
    socket.write(head.slice(0, cut));
    socket.write(head.slice(cut));
    const [answer] = (await once(socket, "data")) as [Buffer];
    t.regex(answer.toString(), /^HTTP\/1\.1 200 /);
    socket.write("through the tunnel");
    const [echoed] = (await once(socket, "data")) as [Buffer];
    t.is(echoed.toString(), "through the tunnel");
    socket.destroy();
  }
});

test("G8 a client that is given h2 and says nothing is closed", async (t) => {
  await using proxy = await startProxy({ timing: { headMs: 1000 } });
  const socket = await proxy.dial({ ALPNProtocols: ["h2"] });
  t.is((await readAll(socket)).length, 0);
});

test("G9 a subject has as many tunnels as the policy gives it, then 429 with Retry-After; a closed one makes room", async (t) => {
  await using proxy = await startProxy();
  await using target = await startTarget(echo);
  const to = `127.0.0.1:${target.port}`;
  proxy.controlPlane.setPolicy({
    perSubject: { tunnels: 2, newTunnelsPerSecond: null, bytesPerSecond: null },
  });
  await until("the policy", () => proxy.events("took a key snapshot").length >= 2);
  const first = await tunnel(proxy, to);
  await tunnel(proxy, to);
  const answer = await exchange(proxy, connectHead(proxy, to));
  t.is(answer.status, 429);
  t.regex(answer.head, /^retry-after: 1$/im);
  t.is((await exchange(proxy, connectHead(proxy, to, [], "other@example.com"))).status, 200);
  first.destroy();
  await until("room", async () => (await exchange(proxy, connectHead(proxy, to))).status === 200);
  // A refused dial and a forwarded request give their places back too.
  for (let index = 0; index < 4; index += 1) {
    await until(
      "room",
      async () => (await exchange(proxy, connectHead(proxy, "10.0.0.1:443"))).status === 502,
    );
  }
});

for (const [what, policy, limits, status] of [
  [
    "an organisation",
    { perOrganisation: { tunnels: 1, newTunnelsPerSecond: null, bytesPerSecond: null } },
    {},
    429,
  ],
  ["the proxy", {}, { tunnels: 1 }, 503],
] as const) {
  test(`G10 ${what} that carries all it may -> ${status}, whoever asks`, async (t) => {
    await using proxy = await startProxy({ limits });
    await using target = await startTarget(echo);
    const to = `127.0.0.1:${target.port}`;
    proxy.controlPlane.setPolicy(policy);
    await until("the policy", () => proxy.events("took a key snapshot").length >= 2);
    await tunnel(proxy, to);
    const answer = await exchange(proxy, connectHead(proxy, to, [], "other@example.com"));
    t.is(answer.status, status);
    t.regex(answer.head, /^retry-after: 1$/im);
    if (status === 503) t.regex(answer.head, /error=connection_limit_reached/);
  });
}

test("G12 no head makes a parser throw, whatever is in it", (t) => {
  needsOwnProxy();
  const text = fc.oneof(fc.string(), fc.webUrl(), fc.string({ unit: "binary" }), fc.domain());
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 6 }), (target, fields) => {
      parseConnect(target, "1.1", fields);
      parseForwardTarget(target);
    }),
    { numRuns: 100_000 },
  );
  t.pass();
});

test("G12 two thousand random heads over real connections: every one is answered or closed, and none is carried", async (t) => {
  await using proxy = await startProxy();
  const send = async (): Promise<void> => {
    const socket = await proxy.dial();
    socket.end(randomHead());
    const answer = (await readAll(socket).catch(() => Buffer.alloc(0))).toString("latin1");
    t.regex(answer, /^(?:HTTP\/1\.1 [45]\d\d [^]*)?$/);
  };
  for (let round = 0; round < 50; round += 1) await Promise.all(Array.from({ length: 40 }, send));
  t.is((await exchange(proxy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")).status, 421);
});

test.serial("G13 a thousand requests on one connection leave no listener and no timer behind", async (t) => {
  needsOwnProxy();
  await using proxy = await startProxy();
  await using origin = await startTarget((socket) =>
    socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")),
  );
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", onWarning);
  const socket = await proxy.dial();
  const ask = async (): Promise<void> => {
    socket.write(
      `GET http://127.0.0.1:${origin.port}/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${proxy.credential()}\r\n\r\n`,
    );
    await once(socket, "data");
  };
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  for (let index = 0; index < 20; index += 1) await ask();
  const before = timers();
  for (let index = 0; index < 1000; index += 1) await ask();
  await until("the timers to settle", () => timers() <= before + 3);
  process.off("warning", onWarning);
  socket.destroy();
  t.deepEqual(warnings, []);
});

function randomHead(): Buffer {
  const line = ["CONNECT", "GET", "POST", "\0", "OPTIONS"][randomInt(5)] ?? "";
  const parts = [
    " ",
    "\r\n",
    ":",
    "http://",
    "HTTP/1.1",
    "Content-Length: 5",
    "\t",
    "[::1]:443",
    "\n",
    "chunked",
  ];
  const words = Array.from({ length: randomInt(12) }, () =>
    randomInt(2) === 0 ? randomBytes(randomInt(40)) : Buffer.from(parts[randomInt(parts.length)] ?? ""),
  );
  return Buffer.concat([Buffer.from(`${line} `), ...words, Buffer.from("\r\n\r\n")]);
}

/** A ClientHello as OpenSSL sends it, caught on the way. */
async function firstFlight(options: ConnectionOptions = {}): Promise<Buffer> {
  const caught = Promise.withResolvers<Buffer>();
  await using target = await startTarget((socket) =>
    socket.once("data", (bytes: Buffer) => caught.resolve(bytes)),
  );
  const client: TLSSocket = connectTls({ port: target.port, host: "127.0.0.1", ...options });
  client.on("error", () => undefined);
  const bytes = await caught.promise;
  client.destroy();
  return bytes;
}
