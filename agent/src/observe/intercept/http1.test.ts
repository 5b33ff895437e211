import test from "ava";
import fc from "fast-check";
import { http1Reader, type BodyRule } from "./http1.ts";

interface Told {
  readonly bytes: string;
  /** Each message: first line, body, and whether it came to its end. */
  readonly messages: readonly string[];
  readonly isBetween: boolean;
}

const read = (pieces: readonly Buffer[], rule: BodyRule = "framed"): Told => {
  let bytes = "";
  const messages: string[] = [];
  const reader = http1Reader({
    onHead({ line }) {
      messages.push(`${line}|`);
      return rule;
    },
    onBytes: (chunk) => void (bytes += chunk.toString("latin1")),
    onBody(chunk) {
      messages.push(`${messages.pop() ?? ""}${chunk.toString("latin1")}`);
    },
    onEnd() {
      messages.push(`${messages.pop() ?? ""}|end`);
    },
  });
  for (const piece of pieces) reader.write(piece);
  return { bytes, messages, isBetween: reader.isBetween };
};

const post = "POST / HTTP/1.1";
const cases: [what: string, bytes: string, rule: BodyRule, messages: string[], isBetween: boolean][] = [
  ["no body", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "framed", ["GET /a HTTP/1.1||end"], true],
  ["a length", `${post}\r\nContent-Length: 3\r\n\r\nabc`, "framed", [`${post}|abc|end`], true],
  ["a body that is not whole", `${post}\r\nContent-Length: 4\r\n\r\nabc`, "framed", [`${post}|abc`], false],
  [
    "two messages in a row",
    `${post}\r\nContent-Length: 1\r\n\r\naGET /b HTTP/1.0\r\n\r\n`,
    "framed",
    [`${post}|a|end`, "GET /b HTTP/1.0||end"],
    true,
  ],
  [
    "chunks with extensions and trailers",
    `${post}\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n`,
    "framed",
    [`${post}|abc0123456789|end`],
    true,
  ],
  ["an answer to the end", "HTTP/1.1 200 OK\r\n\r\nabc", "framed-or-close", ["HTTP/1.1 200 OK|abc"], true],
  [
    "an answer without a body",
    "HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n",
    "bare",
    ["HTTP/1.1 304 ||end"],
    true,
  ],
  [
    "both framings",
    `${post}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    "framed",
    [`${post}|`],
    false,
  ],
  [
    "two lengths",
    `${post}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    "framed",
    [`${post}|`],
    false,
  ],
  ["a folded field", `${post}\r\nA: 1\r\n b\r\n\r\n`, "framed", [], false],
  ["something else", "\x16\x03\x01 hello\r\n\r\nmore", "framed", [], false],
  [
    "a chunk size that is none",
    `${post}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    "framed",
    [`${post}|`],
    false,
  ],
  ["a head without an end", `GET / HTTP/1.1\r\n${"a".repeat(300_000)}`, "framed", [], false],
];

for (const [what, text, rule, messages, isBetween] of cases) {
  test(`messages: ${what}`, (t) => {
    const all = Buffer.from(text, "latin1");
    t.deepEqual(read([all], rule), { bytes: text, messages, isBetween });
    if (all.length > 1000) return;
    const single = Array.from(all, (_, at) => all.subarray(at, at + 1));
    t.deepEqual(read(single, rule), { bytes: text, messages, isBetween }, "byte by byte");
  });
}

test("whatever comes in goes out, in order and unchanged", (t) => {
  const known = fc
    .constantFrom(...cases.map(([, text]) => text))
    .map((text) => Buffer.from(text.slice(0, 2000), "latin1"));
  const piece = fc.oneof(
    known,
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(500), { maxLength: 8 }), (parts, cuts) => {
      const all = Buffer.concat(parts);
      const marks = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
      const told = read(marks.slice(1).map((end, at) => all.subarray(marks[at], end)));
      const whole = read([all]);
      // The beginning of a head waits until its end has come.
      return (
        all.toString("latin1").startsWith(told.bytes) &&
        told.bytes === whole.bytes &&
        told.messages.join() === whole.messages.join()
      );
    }),
    { numRuns: 500 },
  );
  t.pass();
});
