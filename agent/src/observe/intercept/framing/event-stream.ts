import { crc32 } from "node:zlib";
import type { ByteSink } from "./lines.ts";

/** One message of an AWS event stream with its string headers. */
export interface EventStreamMessage {
  readonly headers: ReadonlyMap<string, string>;
  readonly payload: Buffer;
}

const preludeBytes = 12;
const checksumBytes = 4;
const largestMessage = 24 << 20;

/** Bytes of a header value by its type; -1 where two bytes of length stand before it. */
const valueBytes: readonly number[] = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16];
const textType = 7;

/**
 * Messages of the AWS event stream encoding (`application/vnd.amazon.eventstream`): total length, header length,
 * CRC-32 of these, headers, payload, CRC-32 of all before. After the first wrong checksum or impossible length nothing
 * more is read, because nothing says where the next message begins.
 */
export function eventStreamMessages(onMessage: (message: EventStreamMessage) => void): ByteSink {
  let parts: Buffer[] = [];
  let held = 0;
  let needed = preludeBytes;
  let isBroken = false;

  const drop = (): void => {
    isBroken = true;
    parts = [];
  };
  const read = (all: Buffer): Buffer => {
    let at = 0;
    for (;;) {
      const left = all.length - at;
      needed = preludeBytes;
      if (left < preludeBytes) return all.subarray(at);
      const total = all.readUInt32BE(at);
      const headersLength = all.readUInt32BE(at + 4);
      const isSound =
        total >= preludeBytes + headersLength + checksumBytes &&
        total <= largestMessage &&
        crc32(all.subarray(at, at + 8)) === all.readUInt32BE(at + 8);
      if (!isSound) {
        drop();
        return Buffer.alloc(0);
      }
      needed = total;
      if (left < total) return all.subarray(at);
      const message = all.subarray(at, at + total);
      const headersEnd = preludeBytes + headersLength;
      const headers = readHeaders(message.subarray(preludeBytes, headersEnd));
      const end = total - checksumBytes;
      if (headers === null || crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) {
        drop();
        return Buffer.alloc(0);
      }
      onMessage({ headers, payload: message.subarray(headersEnd, end) });
      at += total;
    }
  };

  return {
    write(chunk) {
      if (isBroken) return;
      parts.push(chunk);
      held += chunk.length;
      if (held < needed) return;
      const rest = read(parts.length === 1 ? chunk : Buffer.concat(parts));
      parts = rest.length === 0 ? [] : [Buffer.from(rest)];
      held = rest.length;
    },
    end: () => undefined,
  };
}

/** Null where the block does not hold whole headers. */
function readHeaders(block: Buffer): ReadonlyMap<string, string> | null {
  const headers = new Map<string, string>();
  let at = 0;
  while (at < block.length) {
    const nameEnd = at + 1 + (block[at] ?? 0);
    const type = block[nameEnd];
    const fixed = type === undefined ? undefined : valueBytes[type];
    if (fixed === undefined) return null;
    const start = nameEnd + 1 + (fixed < 0 ? 2 : 0);
    if (start > block.length) return null;
    const end = start + (fixed < 0 ? block.readUInt16BE(start - 2) : fixed);
    if (end > block.length) return null;
    if (type === textType)
      headers.set(block.toString("utf8", at + 1, nameEnd), block.toString("utf8", start, end));
    at = end;
  }
  return headers;
}
