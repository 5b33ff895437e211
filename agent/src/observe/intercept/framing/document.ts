import type { ByteSink } from "./lines.ts";

const mostBytes = 16 << 20;
const tailBytes = 64 << 10;

/**
 * One JSON document, passed when it is whole. Of a document beyond 16 MiB (embeddings, images) only its end is kept, in
 * which every API puts its usage, and an object with nothing else in it is passed.
 */
export function jsonDocument(onDocument: (document: unknown) => void): ByteSink {
  let parts: Buffer[] = [];
  let held = 0;
  let isCut = false;
  return {
    write(chunk) {
      parts.push(chunk);
      held += chunk.length;
      if (held <= mostBytes) return;
      isCut = true;
      const tail = Buffer.from(Buffer.concat(parts).subarray(-tailBytes));
      parts = [tail];
      held = tail.length;
    },
    end() {
      const text = Buffer.concat(parts).toString("utf8");
      parts = [];
      const document = isCut ? usageAtEnd(text) : parse(text);
      if (document !== undefined) onDocument(document);
    },
  };
}

/** `{usage: …}` from the last bytes of a document; undefined where none stands there. */
function usageAtEnd(text: string): unknown {
  const match = [...text.matchAll(/"(usage|usageMetadata)"\s*:\s*\{/g)].at(-1);
  if (match === undefined) return undefined;
  const open = match.index + match[0].length - 1;
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "{") depth += 1;
    if (text[at] === "}") depth -= 1;
    if (depth === 0) return parse(`{"${match[1] ?? ""}":${text.slice(open, at + 1)}}`);
  }
  return undefined;
}

/** Undefined for what is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
