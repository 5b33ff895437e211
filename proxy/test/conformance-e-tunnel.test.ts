/** Section E (and I1-I3) of the conformance table: bytes through a tunnel, its ends, and what is metered. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2, createSecureServer, type ServerHttp2Stream } from "node:http2";
import { connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import anyTest, { type TestFn } from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { until } from "@flowstate/shared/testing/until";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { readConfig } from "../src/config.ts";
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

const to = (target: { port: number }): string => `127.0.0.1:${target.port}`;

test.serial("E1 bytes sent with the head reach the target first and in order", async (t) => {
  await using target = await startTarget(echo);
  const socket = await tunnel(t.context.proxy, to(target), "early ");
  socket.end("late");
  t.is((await readAll(socket)).toString(), "early late");
});

test.serial("E2 a head that comes byte by byte is accepted", async (t) => {
  const { proxy } = t.context;
  await using target = await startTarget(echo);
  const socket = await proxy.dial();
  for (const byte of Buffer.from(connectHead(proxy, to(target)))) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [answer] = (await once(socket, "data")) as [Buffer];
  t.regex(answer.toString(), /^HTTP\/1\.1 200 /);
  socket.destroy();
});

test.serial("E3 a target that speaks first is heard after the 200", async (t) => {
  await using target = await startTarget((socket) => socket.end("220 banner\r\n"));
  const socket = await tunnel(t.context.proxy, to(target));
  socket.end();
  t.is((await readAll(socket)).toString(), "220 banner\r\n");
});

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  test.serial(`E4 E5 over ${version} a client that ends first still gets the whole answer`, async (t) => {
    const { proxy } = t.context;
    const answer = randomBytes(1 << 20);
    await using target = await startTarget((socket) => {
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () =>
        socket.end(Buffer.concat([Buffer.from(`${Buffer.concat(chunks).length}:`), answer])),
      );
    });
    const socket = await proxy.dial({ minVersion: version, maxVersion: version });
    socket.write(connectHead(proxy, to(target)));
    await once(socket, "readable");
    t.regex(String(socket.read()), /^HTTP\/1\.1 200 /);
    socket.end("x".repeat(5000));
    t.deepEqual(await readAll(socket), Buffer.concat([Buffer.from("5000:"), answer]));
  });

  test.serial(`E6 over ${version} a target that ends first still gets the whole upload`, async (t) => {
    const { proxy } = t.context;
    const upload = randomBytes(1 << 20);
    const received = Promise.withResolvers<Buffer>();
    await using target = await startTarget((socket) => {
      socket.end("done early");
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => received.resolve(Buffer.concat(chunks)));
    });
    const socket = await proxy.dial({ minVersion: version, maxVersion: version });
    socket.write(connectHead(proxy, to(target)));
    const ended = once(socket, "end");
    socket.resume();
    await ended;
    socket.end(upload);
    t.deepEqual(await received.promise, upload);
  });
}

test.serial("E7 both ends ended: both connections close", async (t) => {
  const targetClosed = Promise.withResolvers<void>();
  await using target = await startTarget((socket) => {
    socket.on("close", () => targetClosed.resolve());
    socket.resume();
    socket.on("end", () => socket.end());
  });
  const socket = await tunnel(t.context.proxy, to(target));
  socket.end();
  await readAll(socket);
  await targetClosed.promise;
  t.pass();
});

test.serial("E9 a client that resets takes the target's connection with it", async (t) => {
  const { proxy } = t.context;
  const closed = Promise.withResolvers<void>();
  await using target = await startTarget((socket) => socket.resume().on("end", () => closed.resolve()));
  // A TLS socket cannot be reset from JavaScript; the TCP leg of something that stands between can.
  const legs: Socket[] = [];
  await using between = await startTarget((socket) => {
    const leg = connectTcp(proxy.port, "127.0.0.1").on("error", () => undefined);
    legs.push(leg);
    socket.pipe(leg).pipe(socket);
  });
  const socket = await proxy.dial({ port: between.port });
  socket.write(connectHead(proxy, to(target)));
  await once(socket, "data");
  for (const leg of legs) leg.resetAndDestroy();
  await closed.promise;
  socket.destroy();
  t.pass();
});

test.serial("I2 a tunnel that is still open is metered on the way", async (t) => {
  await using proxy = await startProxy();
  await using target = await startTarget(echo);
  const socket = await tunnel(proxy, to(target), "hello");
  const carried = (field: "bytesUp" | "bytesDown"): number =>
    proxy.controlPlane.rows().reduce((total, row) => total + row[field], 0);
  await until("the meter", () => carried("bytesUp") === 5 && carried("bytesDown") === 5);
  t.false(socket.destroyed);
  socket.destroy();
});

test.serial("I3 a dial that fails is counted as failed, not as usage", async (t) => {
  await using proxy = await startProxy();
  await exchange(proxy, connectHead(proxy, "10.0.0.1:443"));
  const row = await until("the meter", () => proxy.controlPlane.rows()[0]);
  t.like(row, { failedTunnels: 1, tunnels: 0, bytesUp: 0, bytesDown: 0 });
});

const quiet = (socket: Socket): void => void socket.resume();

test.serial(
  "E13 E14 a tunnel without a byte is closed with the reason idle, and one with traffic is not",
  async (t) => {
    await using proxy = await startProxy({ timing: { idleMs: 3000 } });
    await using target = await startTarget(echo);
    const silent = await tunnel(proxy, to(target));
    const busy = await tunnel(proxy, to(target));
    const chatter = setInterval(() => busy.write("x"), 100);
    busy.resume();
    silent.resume();
    await until("the end of the silent one", () => proxy.log().at(-1)?.["end"] === "idle");
    t.false(busy.destroyed);
    clearInterval(chatter);
    busy.destroy();
  },
);

test.serial(
  "E18 a tunnel is closed at its greatest age although bytes flow, and never in its first minute",
  async (t) => {
    t.is(
      readConfig({ FLOWSTATE_PROXY_LIFETIME_MS: "1", FLOWSTATE_PROXY_TOKEN: mintKey("enrolment").text })
        .timing.lifetimeMs,
      60_000,
    );
    await using proxy = await startProxy({ timing: { lifetimeMs: 1000 } });
    await using target = await startTarget(echo);
    const socket = await tunnel(proxy, to(target));
    const chatter = setInterval(() => socket.write("x"), 50);
    socket.resume();
    await until("its end", () => proxy.log().at(-1)?.["end"] === "lifetime");
    clearInterval(chatter);
    socket.destroy();
  },
);

test.serial("E15 each event of a stream arrives before the next is sent: nothing is held back", async (t) => {
  const source = Promise.withResolvers<Socket>();
  await using target = await startTarget((socket) => source.resolve(socket.resume()));
  const socket = await tunnel(t.context.proxy, to(target), "GET");
  const events = await source.promise;
  for (let index = 0; index < 20; index += 1) {
    const event = `data: ${index}\n\n`;
    const arrived = once(socket, "data");
    events.write(event);
    t.is(String((await arrived)[0]), event);
  }
  socket.destroy();
});

test.serial("E16 a WebSocket inside a tunnel answers pings", async (t) => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const outer = await tunnel(t.context.proxy, `127.0.0.1:${port}`);
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { createConnection: () => outer });
  await once(client, "open");
  for (let index = 0; index < 3; index += 1) {
    const pong = once(client, "pong");
    client.ping(String(index));
    t.is(String((await pong)[0]), String(index));
  }
  client.terminate();
  server.close();
});

test.serial("E17 HTTP/2 inside a tunnel works", async (t) => {
  const { certificate, privateKey } = issueCertificate(createAuthority({ commonName: "A", days: 2 }), {
    commonName: "h2",
    names: ["localhost"],
    days: 1,
  });
  const server = createSecureServer({ cert: certificate, key: privateKey });
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const outer = await tunnel(t.context.proxy, `127.0.0.1:${(server.address() as AddressInfo).port}`);
  const inner = connectTls({ socket: outer, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  await once(inner, "secureConnect");
  const session = connectHttp2("https://localhost", { createConnection: () => inner });
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.end("over h2");
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  t.is(text, "over h2");
  session.destroy();
  server.close();
});

test.serial("E8 a tunnel of which one side has ended is closed when the other stays silent", async (t) => {
  await using proxy = await startProxy({ timing: { halfCloseMs: 300 } });
  await using target = await startTarget(quiet);
  const socket = await tunnel(proxy, to(target));
  socket.end();
  socket.resume();
  await until("the log", () => proxy.log().at(-1)?.["end"] === "half_close");
  t.pass();
});

test.serial("E11 a slow reader holds back a fast target instead of filling the proxy", async (t) => {
  const { proxy } = t.context;
  let written = 0;
  await using target = await startTarget((socket) => {
    const block = Buffer.alloc(64 << 10);
    const pump = (): void => {
      do written += block.length;
      while (socket.write(block));
      socket.once("drain", pump);
    };
    pump();
  });
  const socket = await tunnel(proxy, to(target));
  let last = -1;
  await until("the target to stop", () => {
    const still = written === last;
    last = written;
    return still && written > 0;
  });
  // What sits in the kernel's buffers on both legs is not the proxy's; it comes to a few MiB at the most.
  t.true(written < 64 << 20, `${written} bytes were taken in for nobody`);
  socket.destroy();
});

test.serial("E19 a hundred tunnels at once, each with its own bytes", async (t) => {
  await using target = await startTarget(echo);
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const bytes = Buffer.alloc(10_000, index);
      const socket = await tunnel(t.context.proxy, to(target));
      socket.end(bytes);
      return (await readAll(socket)).equals(bytes);
    }),
  );
  t.true(answers.every(Boolean));
});

test.serial("J1 a drain ends idle tunnels and lets a busy one finish", async (t) => {
  const proxy = await startProxy({ timing: { drainMs: 10_000 } });
  await using target = await startTarget(echo);
  const busy = await tunnel(proxy, to(target));
  const chatter = setInterval(() => busy.write("x"), 50);
  let heard = 0;
  busy.on("data", (chunk: Buffer) => (heard += chunk.length));
  const drained = proxy[Symbol.asyncDispose]();
  const before = heard;
  await until("bytes during the drain", () => heard > before + 5);
  clearInterval(chatter);
  busy.end();
  await drained;
  t.pass();
});

test.serial(
  "I8 J8 health, metrics and tunnels answer on the admin listener alone, and no e-mail is a label",
  async (t) => {
    const { proxy } = t.context;
    await using target = await startTarget(quiet);
    const socket = await tunnel(proxy, to(target));
    for (const path of ["/healthz", "/readyz"]) t.is((await fetch(proxy.admin + path)).status, 200);
    const metrics = await (await fetch(`${proxy.admin}/metrics`)).text();
    t.regex(metrics, /flowstate_proxy_open_tunnels \d+/);
    t.false(metrics.includes("@"));
    const { tunnels } = (await (await fetch(`${proxy.admin}/tunnels`)).json()) as {
      tunnels: { subject: string }[];
    };
    t.true(tunnels.some(({ subject }) => subject === "person@example.com"));
    const rebound = await exchange(proxy, "GET /metrics HTTP/1.1\r\nHost: proxy\r\n\r\n");
    t.is(rebound.status, 421);
    socket.destroy();
  },
);
