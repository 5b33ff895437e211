import { constants, inflateRawSync } from "node:zlib";

/** How one direction of a WebSocket is compressed (RFC 7692). */
export interface Deflate {
  /** A message may refer to what stood in those before it. */
  readonly keepsContext: boolean;
}

/** How both directions of a WebSocket are compressed; null where they are not. */
export interface Compression {
  readonly client: Deflate;
  readonly server: Deflate;
}

/**
 * Reads `Sec-WebSocket-Extensions` of the answer to an upgrade. Undefined for any other extension than
 * `permessage-deflate`: what it does to the frames is not known. The sizes of the windows need not be: the largest reads
 * what a smaller one wrote.
 */
export function readCompression(field: string | null): Compression | null | undefined {
  if (field === null || field.trim() === "") return null;
  const [name = "", ...parameters] = field.split(";").map((part) => part.trim().toLowerCase());
  if (name !== "permessage-deflate") return undefined;
  const known = parameters.map((parameter) => parameter.replace(/\s*=.*$/s, ""));
  if (!known.every((parameter) => parameterNames.has(parameter)) || field.includes(",")) return undefined;
  return {
    client: { keepsContext: !known.includes("client_no_context_takeover") },
    server: { keepsContext: !known.includes("server_no_context_takeover") },
  };
}

const parameterNames = new Set([
  "client_no_context_takeover",
  "server_no_context_takeover",
  "client_max_window_bits",
  "server_max_window_bits",
]);

const windowBytes = 32 << 10;
/** Most messages are small, and room for a large one would be most of the memory that is thrown away. */
const smallBytes = 512;
const smallChunkBytes = 2048;
const none = Buffer.alloc(0);
/** What a sender leaves out at the end of every message (RFC 7692 section 7.2.1). */
const leftOut = Buffer.from([0, 0, 0xff, 0xff]);

/**
 * Inflates one message after the other; null for one that is broken or larger than `mostBytes`. Between messages only
 * the window is kept, not a decoder. Null is given for a message whose bytes were not kept; where context is kept, no
 * message after one that was not inflated can be.
 */
export function messageInflater(
  { keepsContext }: Deflate,
  mostBytes: number,
): (payload: Buffer | null) => Buffer | null {
  const window = keepsContext ? slidingWindow() : null;
  let isLost = false;
  return (payload) => {
    const message =
      payload === null || isLost ? null : inflate(payload, window?.content() ?? none, mostBytes);
    if (message === null) isLost = keepsContext;
    else window?.add(message);
    return message;
  };
}

/** The last bytes that were added, moved only now and then: an event is some hundred bytes, and there are many. */
function slidingWindow(): { add(bytes: Buffer): void; content(): Buffer } {
  let held: Buffer = none;
  let end = 0;
  return {
    add(bytes) {
      const last = bytes.subarray(-windowBytes);
      if (held.length === 0 && last.length > 0) held = Buffer.allocUnsafeSlow(2 * windowBytes);
      if (end + last.length > held.length) {
        held.copyWithin(0, end - windowBytes, end);
        end = windowBytes;
      }
      end += last.copy(held, end);
    },
    content: () => held.subarray(Math.max(0, end - windowBytes), end),
  };
}

function inflate(payload: Buffer, dictionary: Buffer, mostBytes: number): Buffer | null {
  try {
    return inflateRawSync(Buffer.concat([payload, leftOut]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: mostBytes,
      chunkSize: payload.length < smallBytes ? smallChunkBytes : constants.Z_DEFAULT_CHUNK,
      ...(dictionary.length === 0 ? {} : { dictionary }),
    });
  } catch {
    return null;
  }
}
