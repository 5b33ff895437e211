import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { fields, name } from "../files/json.ts";
import { parse } from "./framing/document.ts";
import { textsOf } from "./texts.ts";

/** The largest request body that is looked at; larger ones pass unread. */
export const mostRequestBytes = 32 << 20;

export interface RequestFacts {
  readonly model: string | null;
  /** Null where it is no JSON or too large. */
  readonly body: unknown;
  /** All text of the prompt, for an estimate. */
  promptText(): string;
}

/** A copy of a request body up to the bound; beyond it, nothing but its beginning is kept, where the model stands. */
export function requestCopy(): { add(chunk: Buffer): void; take(): Buffer } {
  let parts: Buffer[] = [];
  let held = 0;
  return {
    add(chunk) {
      if (held > mostRequestBytes) return;
      held += chunk.length;
      parts.push(chunk);
      if (held > mostRequestBytes) parts = [Buffer.from(Buffer.concat(parts).subarray(0, beginningBytes))];
    },
    take() {
      const whole = Buffer.concat(parts);
      parts = [];
      return whole;
    },
  };
}

const beginningBytes = 64 << 10;

export function readRequest(bytes: Buffer, encoding: string | null): RequestFacts {
  const text = decode(bytes, encoding)?.toString("utf8") ?? "";
  const body = parse(text);
  const request = fields(body);
  // Code Assist and Vertex batches wrap the request.
  const model =
    name(request["model"]) ??
    name(/"model"\s*:\s*"([^"\\]{1,200})"/.exec(text.slice(0, beginningBytes))?.[1]);
  return requestFacts(body ?? null, model);
}

export function requestFacts(body: unknown, model: string | null): RequestFacts {
  const request = fields(body);
  return {
    model,
    body,
    promptText: () => promptFields.flatMap((field) => textsOf(request[field])).join("\n"),
  };
}

function decode(bytes: Buffer, encoding: string | null): Buffer | null {
  const limit = { maxOutputLength: mostRequestBytes };
  try {
    switch (encoding) {
      case "gzip":
        return gunzipSync(bytes, limit);
      case "br":
        return brotliDecompressSync(bytes, limit);
      case "zstd":
        return zstdDecompressSync(bytes, limit);
      default:
        return bytes;
    }
  } catch {
    return null;
  }
}

const promptFields = [
  "system",
  "instructions",
  "messages",
  "input",
  "prompt",
  "contents",
  "systemInstruction",
  "tools",
  "message",
  "request",
];
