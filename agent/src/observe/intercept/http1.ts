/**
 * Finds the messages in one direction of an HTTP/1.1 connection (RFC 9112) without changing a byte: every byte that
 * comes in goes out through `onBytes`, and heads and decoded bodies are told beside it. What is no HTTP/1.1, or framed
 * in two ways at once, is carried on unread.
 */
export interface Http1Handler {
  /** Before the bytes of the head go out. Says how the body is framed. */
  onHead(head: Http1Head): BodyRule;
  onBytes(bytes: Buffer): void;
  /** A part of the body, without its chunked coding. */
  onBody(bytes: Buffer): void;
  /** After the last byte of a message. */
  onEnd(): void;
}

export interface Http1Head {
  /** Request or status line. */
  readonly line: string;
  /** Names in lower case; several values of one name joined by a comma. */
  readonly fields: ReadonlyMap<string, string>;
}

/** `framed` goes by the fields; `bare` has no body whatever they say; `raw` lasts to the end; `opaque` is no HTTP any more. */
export type BodyRule = "framed" | "framed-or-close" | "bare" | "raw" | "opaque";

export interface Http1Reader {
  write(chunk: Buffer): void;
  /** Whether the stream may end here with its last message whole. */
  readonly isBetween: boolean;
  /** Nothing after the present message is told until `resume`; its bytes wait here. */
  pause(): void;
  resume(): void;
  /** From here on bytes are carried unread. */
  becomeOpaque(): void;
}

type State = "head" | "length" | "size" | "chunk" | "chunk-end" | "trailer" | "close" | "opaque";

const mostHeadBytes = 256 << 10;
const mostSizeLine = 4096;
const none = Buffer.alloc(0);

export function http1Reader(handler: Http1Handler): Http1Reader {
  let state: State = "head";
  let left = 0;
  /** Beginning of a head, a size line or a trailer line. */
  let held: Buffer = none;
  let waiting: Buffer = none;
  let isPaused = false;

  const endMessage = (): void => {
    state = "head";
    handler.onEnd();
  };

  /** Bytes up to and with `mark`, or null while it has not come; what came is kept. */
  const upTo = (
    chunk: Buffer,
    mark: string,
    most: number,
  ): { readonly text: Buffer; readonly used: number } | null => {
    const before = held.length;
    held = before === 0 ? chunk : Buffer.concat([held, chunk]);
    const at = held.indexOf(mark, Math.max(0, before - mark.length));
    if (at < 0) {
      held = Buffer.from(held);
      if (held.length > most) state = "opaque";
      return null;
    }
    const text = held.subarray(0, at + mark.length);
    held = none;
    return { text, used: text.length - before };
  };

  const takeHead = (chunk: Buffer): number => {
    // A server may skip an empty line before a request (RFC 9112 2.2).
    if (held.length === 0 && (chunk[0] === 13 || chunk[0] === 10)) {
      handler.onBytes(chunk.subarray(0, 1));
      return 1;
    }
    const found = upTo(chunk, "\r\n\r\n", mostHeadBytes);
    if (found === null) {
      // Past the bound the state has changed, and what was held goes on its way.
      if (state === "head") return chunk.length;
      const all = held;
      held = none;
      handler.onBytes(all);
      return chunk.length;
    }
    const head = parseHead(found.text.toString("latin1"));
    const rule = head === null ? "opaque" : handler.onHead(head);
    const framing = head === null ? { state: "opaque" as const, left: 0 } : framingOf(head, rule);
    handler.onBytes(Buffer.from(found.text));
    left = framing.left;
    state = framing.state;
    if (state === "length" && left === 0) endMessage();
    return found.used;
  };

  const takeBody = (chunk: Buffer): number => {
    const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
    handler.onBytes(part);
    handler.onBody(part);
    left -= part.length;
    if (left === 0) {
      if (state === "length") endMessage();
      else state = "chunk-end";
    }
    return part.length;
  };

  /** The lines between chunks go out as they come; only what they say is gathered. */
  const takeLine = (chunk: Buffer): number => {
    const found = upTo(chunk, "\n", mostSizeLine);
    const used = found?.used ?? chunk.length;
    handler.onBytes(chunk.subarray(0, used));
    if (found === null) {
      if (state === "opaque") held = none;
      return used;
    }
    const line = found.text.toString("latin1").trim();
    if (state === "chunk-end") state = line === "" ? "size" : "opaque";
    else if (state === "trailer") {
      if (line === "") endMessage();
    } else {
      const size = /^[0-9a-f]{1,12}(?=$|[;\s])/i.exec(line)?.[0];
      left = size === undefined ? 0 : Number.parseInt(size, 16);
      state = size === undefined ? "opaque" : left === 0 ? "trailer" : "chunk";
    }
    return used;
  };

  const step = (chunk: Buffer): number => {
    switch (state) {
      case "head":
        return takeHead(chunk);
      case "length":
      case "chunk":
        return takeBody(chunk);
      case "size":
      case "chunk-end":
      case "trailer":
        return takeLine(chunk);
      case "close":
        handler.onBytes(chunk);
        handler.onBody(chunk);
        return chunk.length;
      case "opaque":
        handler.onBytes(chunk);
        return chunk.length;
    }
  };

  const write = (chunk: Buffer): void => {
    let at = 0;
    while (at < chunk.length) {
      if (isPaused) {
        waiting = Buffer.concat([waiting, chunk.subarray(at)]);
        return;
      }
      at += step(chunk.subarray(at));
    }
  };

  return {
    write,
    get isBetween() {
      return state === "close" || (state === "head" && held.length === 0);
    },
    pause: () => void (isPaused = true),
    resume() {
      isPaused = false;
      const chunk = waiting;
      waiting = none;
      write(chunk);
    },
    becomeOpaque() {
      // Only the beginning of a head has not gone out yet.
      const chunk = state === "head" ? held : none;
      state = "opaque";
      held = none;
      if (chunk.length > 0) handler.onBytes(chunk);
    },
  };
}

function framingOf({ fields }: Http1Head, rule: BodyRule): { readonly state: State; readonly left: number } {
  if (rule === "bare") return { state: "length", left: 0 };
  if (rule === "raw") return { state: "close", left: 0 };
  if (rule === "opaque") return { state: "opaque", left: 0 };
  const coding = fields.get("transfer-encoding");
  const length = fields.get("content-length");
  if (coding !== undefined) {
    const isChunked = length === undefined && /^\s*chunked\s*$/i.test(coding);
    return { state: isChunked ? "size" : "opaque", left: 0 };
  }
  if (length !== undefined) {
    return /^\d{1,15}$/.test(length)
      ? { state: "length", left: Number(length) }
      : { state: "opaque", left: 0 };
  }
  return rule === "framed-or-close" ? { state: "close", left: 0 } : { state: "length", left: 0 };
}

/** Null for what a careful reader would refuse; it is then carried unread. */
function parseHead(text: string): Http1Head | null {
  const [line = "", ...rows] = text.slice(0, -4).split("\r\n");
  const fields = new Map<string, string>();
  for (const row of rows) {
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(row);
    if (match === null) return null;
    const [, name = "", value = ""] = match;
    const key = name.toLowerCase();
    const known = fields.get(key);
    fields.set(key, known === undefined ? value : `${known}, ${value}`);
  }
  return /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+ \S+ HTTP\/1\.[01]|HTTP\/1\.[01] \d{3}(?: .*)?)$/.test(line)
    ? { line, fields }
    : null;
}
