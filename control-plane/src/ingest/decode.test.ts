import { gzipSync, zstdCompressSync } from "node:zlib";
import test from "ava";
import fc from "fast-check";
import { meterBatch } from "@flowstate/shared/wire/meter";
import { decompressBody, ingestBounds, parseBatch } from "./decode.ts";

const text =
  '{"source":"7d9f1f5e-4a25-4bb0-8f0b-0c8f3c2a1b11","batch":"7d9f1f5e-4a25-4bb0-8f0b-0c8f3c2a1b12","rows":[1]}';
const bytes = Buffer.from(text);

const encodings: readonly [encoding: string | undefined, body: Buffer, outcome: string][] = [
  [undefined, bytes, "ok"],
  ["identity", bytes, "ok"],
  ["gzip", gzipSync(bytes), "ok"],
  ["GZIP", gzipSync(bytes), "ok"],
  ["zstd", zstdCompressSync(bytes), "ok"],
  ["gzip", bytes, "not_decodable"],
  ["zstd", gzipSync(bytes), "not_decodable"],
  ["br", bytes, "unknown_encoding"],
  ["gzip, gzip", bytes, "unknown_encoding"],
  ["gzip", gzipSync(Buffer.alloc(ingestBounds.decodedBytes + 1)), "too_large"],
  ["zstd", zstdCompressSync(Buffer.alloc(ingestBounds.decodedBytes + 1)), "too_large"],
];

for (const [encoding, body, outcome] of encodings) {
  test(`${encoding ?? "no"} encoding of ${body.length} bytes: ${outcome}`, async (t) => {
    const decoded = await decompressBody(body, encoding);
    t.is(decoded.ok ? "ok" : decoded.reason, outcome);
    if (decoded.ok) t.is(decoded.value, text);
  });
}

const [envelope] = text.split(',"rows"');
const shapes: readonly [type: string | undefined, body: string, outcome: string][] = [
  ["application/json", text, "1 rows"],
  [undefined, text, "1 rows"],
  ["application/x-ndjson", `${envelope}}\n{"seq":1}\n\n{"seq":2}\n`, "2 rows"],
  ["application/ndjson; charset=utf-8", `${envelope}}`, "0 rows"],
  ["application/x-ndjson", `${envelope}}\n{oops`, "line 2 is not JSON"],
  ["application/x-ndjson", "", "the first line must be the envelope: an object with source and batch"],
  ["application/json", "{", "the body is not JSON"],
  ["application/json", "[]", "the value: Invalid input: expected object, received array"],
  ["application/json", '{"source":"x","batch":"y","rows":[]}', "source: Invalid UUID"],
  ["application/json", "{}", "source: is missing"],
  [
    "application/json",
    `${envelope},"rows":"secret"}`,
    "rows: Invalid input: expected array, received string",
  ],
  [
    "application/json",
    `${envelope},"rows":[],"refusals":[]}`,
    "refusals: Invalid input: expected object, received array",
  ],
  ["application/json", `${envelope},"rows":[],"refusals":{"x":1}}`, 'refusals: Unrecognized key: "x"'],
  [
    "application/json",
    `${envelope},"rows":[],"refusals":{"missing":"secret"}}`,
    "refusals.missing: Invalid input: expected number, received string",
  ],
];

for (const [type, body, outcome] of shapes) {
  test(`${type ?? "no type"} ${JSON.stringify(body.slice(-24))}: ${outcome}`, (t) => {
    const parsed = parseBatch(body, type, meterBatch, "rows");
    t.is(parsed.ok ? `${parsed.value.rows.length} rows` : parsed.detail, outcome);
  });
}

test("no text makes the reader throw", (t) => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("application/json", "application/x-ndjson"), (body, type) => {
      t.is(typeof parseBatch(body, type, meterBatch, "rows").ok, "boolean");
    }),
  );
});
