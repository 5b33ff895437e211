import { createConnection, createServer } from "node:net";
import { once } from "node:events";
import { connect, type ConnectionOptions } from "node:tls";
import type { AddressInfo } from "node:net";
import { serialize } from "node:v8";
import test from "ava";
import fc from "fast-check";
import type { SniOutcome } from "@flowstate/shared/wire/meter";
import { parseClientHello } from "@flowstate/shared/tls/client-hello";
import { observeTunnel } from "./observe.ts";
import { classifySni } from "./sni.ts";
import { createTurns, readClientBytes, readServerBytes, type Turns } from "./turns.ts";

const applicationData = 23;
const handshake = 22;

/** A TLS record around so many bytes of ciphertext; `plain` is what they hold under TLS 1.3. */
const record = (type: number, plain: number): Buffer => {
  const length = type === applicationData ? plain + 17 : plain;
  return Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 255]), Buffer.alloc(length, 0xee)]);
};

type Turn = readonly [from: "client" | "server", type: number, plain: number];

const post: readonly Turn[] = [
  ["client", applicationData, 220],
  ["client", applicationData, 4000],
  ["server", applicationData, 300],
  ["server", applicationData, 90],
];
const opening: readonly Turn[] = [
  ["client", handshake, 500],
  ["server", handshake, 90],
  ["server", applicationData, 1200],
  ["client", applicationData, 52],
];
const windowUpdate: Turn = ["server", applicationData, 13];

const counted: [what: string, turns: readonly Turn[], requests: number][] = [
  ["nothing but the handshake", opening, 0],
  ["one request with an answer in two records", [...opening, ...post], 1],
  ["three requests in turn", [...opening, ...post, ...post, ...post], 3],
  ["a request without its answer yet", [...opening, ["client", applicationData, 500]], 0],
  ["session tickets behind the handshake", [...opening, ["server", applicationData, 250]], 0],
  [
    "an upload that the server acknowledges on the way",
    [...opening, ["client", applicationData, 9000], windowUpdate, ["client", applicationData, 9000], ...post],
    1,
  ],
  [
    "control frames of the client during a long answer",
    [...opening, ...post, ["client", applicationData, 13], ["server", applicationData, 900]],
    1,
  ],
  [
    "a small GET, which cannot be told from control frames",
    [...opening, ["client", applicationData, 60], ["server", applicationData, 500]],
    0,
  ],
  [
    "TLS 1.2, whose Finished is a handshake record",
    [["client", handshake, 200], ["client", handshake, 40], ["server", handshake, 40], ...post],
    1,
  ],
];

for (const [what, turns, requests] of counted) {
  test(`${what} -> ${requests}`, (t) => t.is(play(turns).requests, requests));
}

function play(turns: readonly Turn[], cut: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes]): Turns {
  const state = createTurns();
  for (const [from, type, plain] of turns) {
    const read = from === "client" ? readClientBytes : readServerBytes;
    for (const bytes of cut(record(type, plain))) read(state, bytes);
  }
  return state;
}

const anyTurn = fc.tuple(
  fc.constantFrom<"client" | "server">("client", "server"),
  fc.constantFrom(handshake, applicationData, 20, 21),
  fc.integer({ min: 0, max: 16_000 }),
);

test("however a stream is cut into chunks, the count is the same", (t) => {
  fc.assert(
    fc.property(
      fc.array(anyTurn, { maxLength: 20 }),
      fc.array(fc.nat(16_000), { maxLength: 8 }),
      (turns, cuts) => {
        const whole = play(turns);
        const inPieces = play(turns, (bytes) => split(bytes, cuts));
        t.deepEqual(inPieces, whole);
      },
    ),
  );
});

test("what is kept of a tunnel does not grow with what goes by, and holds no size of any record", (t) => {
  const short = play([...opening, ...post]);
  const long = play([...opening, ...Array.from({ length: 2000 }, () => post).flat()]);
  t.true(serialize(long).length <= serialize(short).length + 16);
  t.deepEqual(Object.keys(long), Object.keys(short));
  const numbers = Object.values(long).filter((value) => typeof value === "number");
  t.deepEqual(numbers, [0, 2000]);
});

test("no bytes make an observer throw", (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 600 }))), (chunks) => {
      const observed = observeTunnel("host.example");
      for (const [up, bytes] of chunks) {
        if (up) observed.fromClient(bytes);
        else observed.fromServer(bytes);
      }
    }),
  );
  t.pass();
});

test("a real ClientHello gives its name and protocols, however it is cut, and no part of it more", async (t) => {
  const hello = await firstFlight({ servername: "Api.Example.com", ALPNProtocols: ["http/1.1", "h2"] });
  const expected = {
    kind: "hello",
    serverName: "api.example.com",
    offersHttp2: true,
    encrypted: false,
  } as const;
  t.deepEqual(parseClientHello(hello), expected);
  for (let length = 0; length < hello.length; length += 1)
    t.deepEqual(parseClientHello(hello.subarray(0, length)), { kind: "incomplete" });
  t.deepEqual(parseClientHello(reRecorded(hello, 100)), expected);
  fc.assert(
    fc.property(fc.array(fc.nat(hello.length), { maxLength: 8 }), (cuts) => {
      const observed = observeTunnel("api.example.com");
      for (const bytes of split(hello, cuts)) observed.fromClient(bytes);
      t.is(observed.sni, "equal");
      t.is(observed.method, "turns/v1+h2");
    }),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), (at, value) => {
      const bent = Buffer.from(hello);
      bent[at] = value;
      parseClientHello(bent);
    }),
  );
});

test("a ClientHello without a name or without HTTP/2 says so", async (t) => {
  t.like(parseClientHello(await firstFlight({ ALPNProtocols: ["http/1.1"] })), {
    serverName: null,
    offersHttp2: false,
  });
});

const outcomes: [host: string, serverName: string | null, encrypted: boolean, outcome: SniOutcome][] = [
  ["api.openai.com", "api.openai.com", false, "equal"],
  ["api.openai.com", "api.openai.com", true, "equal"],
  ["api.openai.com", "chatgpt.com", false, "same_provider"],
  ["host.example", "eu.host.example", false, "same_provider"],
  ["eu.host.example", "host.example", false, "same_provider"],
  ["host.example", "ghost.example", false, "mismatch"],
  ["192.0.2.1", "host.example", false, "mismatch"],
  ["host.example", "cloudflare-ech.com", true, "ech"],
  ["host.example", null, false, "none"],
  ["host.example", null, true, "none"],
];

for (const [host, serverName, encrypted, outcome] of outcomes) {
  test(`a tunnel to ${host} that names ${serverName ?? "nobody"}${encrypted ? " and hides another" : ""} -> ${outcome}`, (t) =>
    t.is(classifySni(host, { kind: "hello", serverName, offersHttp2: false, encrypted }), outcome));
}

for (const [what, bytes] of [
  ["SSH", "SSH-2.0-OpenSSH_9\r\n"],
  ["HTTP in clear text", "GET / HTTP/1.1\r\n\r\n"],
  ["a handshake that is no ClientHello", "\x16\x03\x01\x00\x04\x02\x00\x00\x00"],
] as const) {
  test(`${what} is not TLS from a client`, (t) => {
    const observed = observeTunnel("host.example");
    observed.fromClient(Buffer.from(bytes, "latin1"));
    t.is(observed.sni, "not_tls");
    t.is(observed.estimatedRequests, 0);
  });
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [
    0,
    ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

/** The same handshake in records of at most so many bytes. */
function reRecorded(flight: Buffer, most: number): Buffer {
  const body = flight.subarray(5);
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += most) {
    const part = body.subarray(at, at + most);
    parts.push(Buffer.from([handshake, 3, 1, 0, part.length]), part);
  }
  return Buffer.concat(parts);
}

/** A ClientHello as OpenSSL sends it, caught on the way. */
async function firstFlight(options: ConnectionOptions): Promise<Buffer> {
  const caught = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) caught.resolve(bytes);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const raw = createConnection((server.address() as AddressInfo).port, "127.0.0.1");
  const client = connect({ socket: raw, ...options }).on("error", () => undefined);
  const bytes = await caught.promise;
  client.destroy();
  server.close();
  return bytes;
}
