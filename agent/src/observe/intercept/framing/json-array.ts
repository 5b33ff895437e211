import type { ByteSink } from "./lines.ts";

const mostItemBytes = 16 << 20;
const code = {
  quote: 0x22,
  backslash: 0x5c,
  openBracket: 0x5b,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
};

/**
 * The items of a JSON array of objects as they come. Google writes each of them, and the commas between them, on lines
 * of their own, but nothing promises it: depth is counted outside of strings. Items beyond 16 MiB are passed over.
 */
export function jsonArrayItems(onItem: (text: string) => void): ByteSink {
  let parts: Buffer[] = [];
  let held = 0;
  let depth = 0;
  let isString = false;
  let isEscaped = false;

  const keep = (part: Buffer): void => {
    held += part.length;
    if (held > mostItemBytes) parts = [];
    else parts.push(part);
  };
  const finish = (): void => {
    if (held <= mostItemBytes) onItem(Buffer.concat(parts).toString("utf8"));
    parts = [];
    held = 0;
  };

  return {
    write(chunk) {
      let start = depth > 1 ? 0 : -1;
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at];
        if (isEscaped) isEscaped = false;
        else if (isString) {
          isEscaped = byte === code.backslash;
          isString = byte !== code.quote;
        } else if (byte === code.quote) isString = true;
        else if (byte === code.openBracket || byte === code.openBrace) {
          depth += 1;
          if (depth === 2) start = at;
        } else if (byte === code.closeBracket || byte === code.closeBrace) {
          depth -= 1;
          if (depth === 1 && start >= 0) {
            keep(chunk.subarray(start, at + 1));
            finish();
            start = -1;
          }
        }
      }
      if (start >= 0) keep(Buffer.from(chunk.subarray(start)));
    },
    end: () => undefined,
  };
}
