import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { fields, items, name } from "../files/json.ts";
import { parse } from "./framing/document.ts";

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
  return { model, body: body ?? null, promptText: () => promptTexts(request).join("\n") };
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

/** Every text in the parts of a request that make up the prompt, whatever the API. */
function promptTexts(request: ReturnType<typeof fields>): string[] {
  const texts: string[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === "string") texts.push(value);
    else if (depth >= deepest) return;
    else if (Array.isArray(value)) for (const item of items(value)) visit(item, depth + 1);
    else
      for (const [key, item] of Object.entries(fields(value))) if (!opaque.has(key)) visit(item, depth + 1);
  };
  for (const field of promptFields) visit(request[field], 0);
  return texts;
}

const deepest = 32;
/** Pictures and the like, which are not text although they are written as such. */
const opaque = new Set(["data", "image_url", "bytes", "url", "role", "type", "id"]);
