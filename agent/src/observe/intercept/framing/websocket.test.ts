/** Messages of a WebSocket, found in any bytes that hold them and never at the cost of a byte. */
import test from "ava";
import fc from "fast-check";
import { messageDeflater, webSocketFrame } from "../../../../test/support/frames.ts";
import { readCompression, type Deflate } from "./deflate.ts";
import { webSocketReader } from "./websocket.ts";

const ping = 9;
const binary = 2;
const mostBytes = 1 << 20;

interface Read {
  readonly told: (string | null)[];
  readonly passed: Buffer[];
  /** What had gone on when each message began and was told. */
  readonly marks: number[];
}

function reading(deflate: Deflate | null = null, most = mostBytes) {
  const read: Read = { told: [], passed: [], marks: [] };
  const mark = (): void => void read.marks.push(read.passed.reduce((sum, { length }) => sum + length, 0));
  const reader = webSocketReader(
    {
      onStart: mark,
      onBytes: (bytes) => void read.passed.push(Buffer.from(bytes)),
      onMessage(message) {
        mark();
        read.told.push(message === null ? null : message.toString("latin1"));
      },
    },
    { deflate, mostBytes: most },
  );
  return { read, reader };
}

interface Sent {
  readonly text: string;
  readonly isBinary: boolean;
  readonly isPacked: boolean;
  /** Where the message is cut into frames, in parts of a thousand. */
  readonly cuts: readonly number[];
  readonly hasPings: boolean;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  text: fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.constantFrom("the same words again ".repeat(20), "x".repeat(70_000), ""),
  ),
  isBinary: fc.boolean(),
  isPacked: fc.boolean(),
  cuts: fc.array(fc.nat(1000), { maxLength: 4 }),
  hasPings: fc.boolean(),
});

/** The frames of messages, and where each message begins and ends in them. */
function framed(messages: readonly Sent[], keepsContext: boolean | null, mask: Buffer | undefined) {
  const pack = messageDeflater(keepsContext === true);
  const masking = mask === undefined ? {} : { mask };
  const parts: Buffer[] = [];
  const marks: number[] = [];
  const put = (frame: Buffer): void => void parts.push(frame);
  const here = (): number => parts.reduce((sum, { length }) => sum + length, 0);
  for (const { text, isBinary, isPacked, cuts, hasPings } of messages) {
    const isCompressed = isPacked && keepsContext !== null;
    const payload = isCompressed ? pack(Buffer.from(text, "latin1")) : Buffer.from(text, "latin1");
    const places = cuts.map((cut) => Math.floor((payload.length * cut) / 1000)).sort((a, b) => a - b);
    const bounds = [0, ...places, payload.length];
    marks.push(here());
    for (const [at, from] of bounds.slice(0, -1).entries()) {
      const isFirst = at === 0;
      if (hasPings && !isFirst)
        put(webSocketFrame(Buffer.from("are you there"), { opcode: ping, ...masking }));
      put(
        webSocketFrame(payload.subarray(from, bounds[at + 1]), {
          opcode: isFirst ? (isBinary ? binary : 1) : 0,
          isFinal: at === bounds.length - 2,
          isCompressed: isCompressed && isFirst,
          ...masking,
        }),
      );
    }
    marks.push(here());
    if (hasPings) put(webSocketFrame(Buffer.alloc(0), { opcode: ping, ...masking }));
  }
  return { bytes: Buffer.concat(parts), marks };
}

const contexts = fc.constantFrom(null, true, false);
const masks = fc.constantFrom(undefined, Buffer.from([1, 2, 3, 250]), Buffer.alloc(4));

test("any messages in any frames, cut anywhere, masked and compressed or not, read back, and no byte changes", (t) => {
  fc.assert(
    fc.property(
      fc.array(sent, { maxLength: 6 }),
      contexts,
      masks,
      fc.array(fc.nat(1000), { maxLength: 8 }),
      (messages, keepsContext, mask, cuts) => {
        const { bytes, marks } = framed(messages, keepsContext, mask);
        const { read, reader } = reading(keepsContext === null ? null : { keepsContext });
        const places = cuts.map((cut) => Math.floor((bytes.length * cut) / 1000)).sort((a, b) => a - b);
        for (const [at, from] of [0, ...places].entries()) reader.write(bytes.subarray(from, places[at]));
        t.deepEqual(
          read.told,
          messages.map(({ text }) => text),
        );
        t.true(Buffer.concat(read.passed).equals(bytes));
        t.deepEqual(read.marks, marks);
        t.true(reader.isBetween);
      },
    ),
    { numRuns: 150 },
  );
});

test("one message cut at each of its bytes reads back", (t) => {
  const { bytes } = framed(
    [{ text: "h\u00e9llo ".repeat(30), isBinary: false, isPacked: true, cuts: [300, 700], hasPings: true }],
    true,
    Buffer.from([9, 8, 7, 6]),
  );
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { read, reader } = reading({ keepsContext: true });
    reader.write(bytes.subarray(0, cut));
    reader.write(bytes.subarray(cut));
    t.deepEqual(read.told, ["h\u00e9llo ".repeat(30)]);
  }
});

test("no bytes make the reader throw, and all of them pass", (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }),
      contexts,
      (chunks, context) => {
        const { read, reader } = reading(context === null ? null : { keepsContext: context }, 100);
        for (const chunk of chunks) reader.write(Buffer.from(chunk));
        t.true(Buffer.concat(read.passed).equals(Buffer.concat(chunks)));
      },
    ),
    { numRuns: 300 },
  );
});

const hello = webSocketFrame(Buffer.from("hello"));
const wrong: readonly (readonly [what: string, frame: Buffer])[] = [
  ["a reserved bit", Buffer.from([0xa1, 0])],
  ["an opcode that there is not", webSocketFrame(Buffer.alloc(0), { opcode: 3 })],
  ["a control opcode that there is not", webSocketFrame(Buffer.alloc(0), { opcode: 11 })],
  ["a ping in parts", webSocketFrame(Buffer.alloc(0), { opcode: ping, isFinal: false })],
  ["a ping that is too long", webSocketFrame(Buffer.alloc(126), { opcode: ping })],
  ["a continuation of nothing", webSocketFrame(Buffer.alloc(0), { opcode: 0 })],
  ["compression that was not agreed upon", webSocketFrame(Buffer.from("x"), { isCompressed: true })],
  ["a length that no frame has", Buffer.from([0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255])],
];

for (const [what, frame] of wrong) {
  test(`after ${what} nothing more is read, and the bytes go on`, (t) => {
    const { read, reader } = reading();
    const bytes = Buffer.concat([hello, frame, hello]);
    reader.write(bytes);
    reader.write(hello);
    t.deepEqual(read.told, ["hello", null]);
    t.true(Buffer.concat(read.passed).equals(Buffer.concat([bytes, hello])));
    t.false(reader.isBetween);
  });
}

test("a message inside of another one ends the reading", (t) => {
  const { read, reader } = reading();
  reader.write(Buffer.concat([webSocketFrame(Buffer.from("he"), { isFinal: false }), hello]));
  t.deepEqual(read.told, [null]);
});

test("a message that is too large is passed over, and the one after it is read", (t) => {
  const { read, reader } = reading(null, 100);
  const large = webSocketFrame(Buffer.alloc(40_000, "x"));
  reader.write(Buffer.concat([large, hello]));
  t.deepEqual(read.told, [null, "hello"]);
});

const bombs: readonly (readonly [keepsContext: boolean, told: readonly (string | null)[]])[] = [
  [false, [null, "hello"]],
  // What comes after may refer to what was not inflated.
  [true, [null, null]],
];

for (const [keepsContext, told] of bombs) {
  test(`a message that inflates beyond the bound is passed over, ${keepsContext ? "with" : "without"} context`, (t) => {
    const { read, reader } = reading({ keepsContext }, 100_000);
    const pack = messageDeflater(keepsContext);
    const bomb = pack(Buffer.alloc(50 << 20));
    t.true(bomb.length < 100_000);
    for (const payload of [bomb, pack(Buffer.from("hello"))]) {
      reader.write(webSocketFrame(payload, { isCompressed: true }));
    }
    t.deepEqual(read.told, told);
  });
}

test("compressed bytes that are none are passed over", (t) => {
  const { read, reader } = reading({ keepsContext: false });
  reader.write(webSocketFrame(Buffer.from("no deflate at all"), { isCompressed: true }));
  reader.write(hello);
  t.deepEqual(read.told, [null, "hello"]);
});

test("what comes in during a pause waits, and goes on in its order", (t) => {
  const { read, reader } = reading();
  reader.write(hello.subarray(0, 3));
  reader.pause();
  reader.write(hello.subarray(3));
  reader.write(hello);
  t.deepEqual(read.told, []);
  reader.resume();
  t.deepEqual(read.told, ["hello", "hello"]);
  t.true(Buffer.concat(read.passed).equals(Buffer.concat([hello, hello])));
});

const agreed: readonly (readonly [
  field: string | null,
  client: boolean | null | undefined,
  server?: boolean,
])[] = [
  [null, null],
  ["", null],
  ["permessage-deflate", true, true],
  ["Permessage-Deflate; server_no_context_takeover", true, false],
  ["permessage-deflate; client_no_context_takeover; server_max_window_bits=10", false, true],
  ['permessage-deflate; client_max_window_bits="12"; server_max_window_bits=8', true, true],
  ["permessage-deflate; something_else", undefined],
  ["x-webkit-deflate-frame", undefined],
  ["permessage-deflate, x-other", undefined],
];

for (const [field, client, server] of agreed) {
  test(`extensions ${field === null ? "not named" : `"${field}"`} are ${client === undefined ? "not read" : "read"}`, (t) => {
    const compression = readCompression(field);
    if (client === undefined || client === null) t.is(compression, client);
    else t.deepEqual(compression, { client: { keepsContext: client }, server: { keepsContext: server } });
  });
}
