/** Section H of the conformance table: tunnels as streams of one HTTP/2 connection (RFC 9113 8.5). */
import { once, type EventEmitter } from "node:events";
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { randomBytes } from "node:crypto";
import anyTest, { type TestFn } from "ava";
import { mintKey } from "@flowstate/shared/keys";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { until } from "@flowstate/shared/testing/until";
import { echo, startProxy, startTarget, type RunningProxy } from "./support/running.ts";

type Target = Awaited<ReturnType<typeof startTarget>>;

const test = anyTest as TestFn<{ proxy: RunningProxy; target: Target }>;

test.before(async (t) => {
  t.context = { proxy: await startProxy(), target: await startTarget(echo) };
});

test.after.always(async ({ context: { proxy, target } }) => {
  await proxy[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

async function session(proxy: RunningProxy): Promise<ClientHttp2Session> {
  const socket = await proxy.dial({ ALPNProtocols: ["h2"] });
  const opened = connect("https://localhost", { createConnection: () => socket });
  opened.on("error", () => undefined);
  return opened;
}

interface Asked {
  readonly stream: ClientHttp2Stream;
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Asks for a tunnel on a stream of its own and waits for the answer's head. */
async function ask(client: ClientHttp2Session, authority: string, credential?: string): Promise<Asked> {
  const stream = client.request({
    ":method": "CONNECT",
    ":authority": authority,
    ...(credential === undefined ? {} : { "proxy-authorization": credential }),
  });
  stream.on("error", () => undefined);
  const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders & IncomingHttpStatusHeader];
  return { stream, status: headers[":status"], headers };
}

const to = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`;

test("H1 E4 a stream becomes a tunnel: bytes both ways, and a client that ends first gets the whole answer", async (t) => {
  const { proxy, target } = t.context;
  const client = await session(proxy);
  const { stream, status, headers } = await ask(client, to(target), proxy.credential());
  t.is(status, 200);
  t.is(headers["content-length"], undefined);
  const bytes = randomBytes(300_000);
  stream.end(bytes);
  t.true(Buffer.concat((await stream.toArray()) as Buffer[]).equals(bytes));
  client.close();
});

test("H1 E6 a target that ends first still gets the whole upload", async (t) => {
  const { proxy } = t.context;
  const received = Promise.withResolvers<Buffer>();
  await using target = await startTarget((socket) => {
    socket.end("early");
    socket.toArray().then((chunks) => received.resolve(Buffer.concat(chunks as Buffer[])), received.reject);
  });
  const client = await session(proxy);
  const { stream } = await ask(client, to(target), proxy.credential());
  t.is(String((await once(stream, "data"))[0]), "early");
  const upload = randomBytes(100_000);
  stream.end(upload);
  t.true((await received.promise).equals(upload));
  client.close();
});

test("H2 CONNECT with a path and a scheme, or another method -> an error of the stream; the connection lives on", async (t) => {
  const { proxy, target } = t.context;
  const client = await session(proxy);
  const plain = client.request({
    ":method": "GET",
    ":path": "/",
    ":scheme": "http",
    ":authority": "host.example",
  });
  plain.on("error", () => undefined);
  await closed(plain);
  t.is(plain.rstCode, constants.NGHTTP2_HTTP_1_1_REQUIRED);
  // Node's client will not write this head, so it is written by hand (RFC 7541 literals without indexing).
  const raw = await proxy.dial({ ALPNProtocols: ["h2"] });
  const fields = [":method", "CONNECT", ":scheme", "https", ":path", "/", ":authority", "host.example:443"];
  const block = Buffer.concat(
    fields.map((text, index) =>
      Buffer.from(`${index % 2 === 0 ? "\0" : ""}${String.fromCharCode(text.length)}${text}`, "latin1"),
    ),
  );
  raw.write(
    Buffer.concat([
      Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
      frame(4, 0, 0, Buffer.alloc(0)),
      frame(1, 5, 1, block),
    ]),
  );
  t.is(await resetCode(raw), constants.NGHTTP2_PROTOCOL_ERROR);
  raw.destroy();
  t.is((await ask(client, to(target), proxy.credential())).status, 200);
  client.destroy();
});

test("H3 a stream that is refused is told why, and the next one of the connection passes", async (t) => {
  const { proxy, target } = t.context;
  const client = await session(proxy);
  const unknown = await ask(client, to(target));
  t.is(unknown.status, 407);
  t.regex(String(unknown.headers["proxy-authenticate"]), /^Basic realm=/);
  t.is(unknown.headers.connection, undefined);
  t.regex(Buffer.concat((await unknown.stream.toArray()) as Buffer[]).toString(), /e-mail/);
  const dead = await ask(client, "10.0.0.1:443", proxy.credential());
  t.is(dead.status, 502);
  t.regex(String(dead.headers["proxy-status"]), /destination_ip_prohibited/);
  t.is((await ask(client, "host.example", proxy.credential())).status, 400);
  t.is((await ask(client, to(target), proxy.credential())).status, 200);
  client.destroy();
});

test("H4 a hundred streams, one of which nobody reads: the others flow", async (t) => {
  const { proxy, target } = t.context;
  await using fast = await startTarget((socket) => {
    socket.on("error", () => undefined);
    socket.write(Buffer.alloc(8 << 20));
  });
  const client = await session(proxy);
  const stalled = await ask(client, to(fast), proxy.credential());
  stalled.stream.pause();
  const others = await Promise.all(
    Array.from({ length: 99 }, async (_, index) => {
      const { stream } = await ask(client, to(target), proxy.credential());
      const bytes = Buffer.alloc(2000, index);
      stream.end(bytes);
      return Buffer.concat((await stream.toArray()) as Buffer[]).equals(bytes);
    }),
  );
  t.true(others.every(Boolean));
  client.destroy();
});

test("H4 a client that opens streams and resets them without end is sent away, and others are not", async (t) => {
  const { proxy, target } = t.context;
  const client = await session(proxy);
  const gone = closed(client);
  const reset = (): void => {
    if (client.destroyed || client.closed) return;
    for (let index = 0; index < 50; index += 1) {
      const stream = client.request({ ":method": "CONNECT", ":authority": to(target) });
      stream.on("error", () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
    }
    setImmediate(reset);
  };
  reset();
  await gone;
  const other = await session(proxy);
  t.is((await ask(other, to(target), proxy.credential())).status, 200);
  other.destroy();
});

test("H5 each stream is authenticated and metered by itself", async (t) => {
  await using proxy = await startProxy();
  const { target } = t.context;
  const client = await session(proxy);
  for (const [subject, text] of [
    ["first@example.com", "one"],
    ["second@example.com", "three"],
  ] as const) {
    const { stream } = await ask(client, to(target), proxy.credential(subject));
    stream.end(text);
    await stream.toArray();
    const row = await until(`the meter of ${subject}`, () =>
      proxy.controlPlane.rows().find((one) => one.subject === subject && one.bytesUp > 0),
    );
    t.is(row.bytesUp, text.length);
  }
  const wrong = basicCredential({ user: "first@example.com", password: mintKey("org").text });
  t.is((await ask(client, to(target), wrong)).status, 407);
  client.destroy();
});

test("J1 a drain lets a stream's tunnel finish and takes no new one", async (t) => {
  const proxy = await startProxy({ timing: { drainMs: 10_000 } });
  const { target } = t.context;
  const client = await session(proxy);
  const { stream } = await ask(client, to(target), proxy.credential());
  const chatter = setInterval(() => stream.write("x"), 50);
  const goaway = once(client, "goaway");
  const drained = proxy[Symbol.asyncDispose]();
  await goaway;
  t.is(String((await once(stream, "data"))[0])[0], "x");
  clearInterval(chatter);
  stream.end();
  stream.resume();
  await drained;
  t.true(client.closed || client.destroyed);
});

/** Its end, whether in good order or by an error. */
function closed(emitter: EventEmitter): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  emitter.once("close", () => resolve());
  return promise;
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** The code of the first RST_STREAM that comes. */
async function resetCode(socket: AsyncIterable<Buffer>): Promise<number> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const end = 9 + bytes.readUIntBE(0, 3);
      if (bytes[3] === 3) return bytes.readUInt32BE(9);
      bytes = bytes.subarray(end);
    }
  }
  return -1;
}
