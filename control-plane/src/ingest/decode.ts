import { promisify } from "node:util";
import { gunzip, zstdDecompress } from "node:zlib";
import type * as v from "valibot";
import { systemCode } from "@flowstate/shared/errors";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { readMessage } from "./message.ts";

/** What one request may hold, as sent and after decompression. */
export const ingestBounds = { sentBytes: 4 << 20, decodedBytes: 32 << 20 } as const;

export type DecodeRefusal = "unknown_encoding" | "too_large" | "not_decodable" | "not_json" | "wrong_shape";

const decompress = {
  gzip: promisify(gunzip),
  zstd: promisify(zstdDecompress),
} as const;

/** Undoes Content-Encoding (RFC 9110 8.4) within the bound. Never throws: the body comes from a stranger. */
export async function decompressBody(
  body: Buffer,
  encoding: string | undefined,
): Promise<Parsed<string, DecodeRefusal>> {
  const name = (encoding ?? "identity").trim().toLowerCase();
  if (name === "identity" || name === "") return ok(body.toString("utf8"));
  if (name !== "gzip" && name !== "zstd") {
    return refuse(
      "unknown_encoding",
      `Content-Encoding ${name.slice(0, 20)} is unknown; use gzip, zstd or none`,
    );
  }
  try {
    const decoded = await decompress[name](body, { maxOutputLength: ingestBounds.decodedBytes });
    return ok(decoded.toString("utf8"));
  } catch (error) {
    return systemCode(error) === "ERR_BUFFER_TOO_LARGE"
      ? refuse("too_large", `the body is larger than ${ingestBounds.decodedBytes} bytes when decompressed`)
      : refuse("not_decodable", `the body is not ${name}`);
  }
}

/**
 * Reads one batch: a JSON document, or NDJSON whose first line is the envelope and whose further lines are its rows
 * under `rowsName`.
 */
export function parseBatch<const Schema extends v.GenericSchema>(
  text: string,
  contentType: string | undefined,
  schema: Schema,
  rowsName: string,
): Parsed<v.InferOutput<Schema>, DecodeRefusal> {
  const document = isNdjson(contentType) ? readLines(text, rowsName) : readJson(text);
  return document.ok ? readMessage(schema, document.value) : document;
}

function isNdjson(contentType: string | undefined): boolean {
  return /^application\/(?:x-)?ndjson\b/i.test(contentType ?? "");
}

function readLines(text: string, rowsName: string): Parsed<unknown, DecodeRefusal> {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const values: unknown[] = [];
  for (const [index, line] of lines.entries()) {
    const value = readJson(line);
    if (!value.ok) return refuse("not_json", `line ${index + 1} is not JSON`);
    values.push(value.value);
  }
  const [envelope, ...rows] = values;
  if (typeof envelope !== "object" || envelope === null) {
    return refuse("wrong_shape", "the first line must be the envelope: an object with source and batch");
  }
  return ok({ ...envelope, [rowsName]: rows });
}

function readJson(text: string): Parsed<unknown, "not_json"> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return refuse("not_json", "the body is not JSON");
  }
}
