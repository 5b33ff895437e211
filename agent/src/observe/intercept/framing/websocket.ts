import { messageInflater, type Deflate } from "./deflate.ts";

/** What a reader of one direction of a WebSocket tells. */
export interface WebSocketHandler {
  /** Every byte that comes in goes out here, in its order and unchanged. */
  onBytes(bytes: Buffer): void;
  /** Before the first byte of a message goes out. Pings, pongs and closes are no messages. */
  onStart(): void;
  /** After the last byte of a message has gone out; null for one that is too large or cannot be decoded. */
  onMessage(message: Buffer | null): void;
}

export interface WebSocketReader {
  write(chunk: Buffer): void;
  /** Whether a message of ours could stand here. */
  readonly isBetween: boolean;
  /** Frames were wrong, and nothing more is told. */
  readonly isBroken: boolean;
  /** Nothing more is told until `resume`; what comes in waits here. */
  pause(): void;
  resume(): void;
}

export interface WebSocketOptions {
  /** Null where messages are not compressed. */
  readonly deflate: Deflate | null;
  /** A larger message is passed over. */
  readonly mostBytes: number;
}

/** A message that has begun: its parts, or null once it is larger than is kept. */
interface Message {
  parts: Buffer[] | null;
  bytes: number;
  readonly isCompressed: boolean;
}

/** What the head of a frame says (RFC 6455 section 5.2). */
interface FrameHead {
  readonly isFinal: boolean;
  readonly isCompressed: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly mask: Buffer | null;
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, pong: 10 };
const mostControlBytes = 125;
const mostHeadBytes = 14;
const finalBit = 0x80;
const compressedBit = 0x40;
const reservedBits = 0x30;
const maskBit = 0x80;
const none = Buffer.alloc(0);

/**
 * Finds the messages in one direction of a WebSocket without changing a byte. After the first frame that RFC 6455 does
 * not allow nothing more is told, because nothing says where the next one begins; the bytes go on. Never throws.
 */
export function webSocketReader(
  handler: WebSocketHandler,
  { deflate, mostBytes }: WebSocketOptions,
): WebSocketReader {
  const inflater = deflate === null ? null : messageInflater(deflate, mostBytes);
  const headBytes = Buffer.alloc(mostHeadBytes);
  let headLength = 0;
  let frame: FrameHead | null = null;
  let taken = 0;
  let message: Message | null = null;
  let isBroken = false;
  let isPaused = false;
  let waiting: Buffer = none;

  const decoded = ({ parts, isCompressed }: Message): Buffer | null => {
    if (!isCompressed) return parts === null ? null : Buffer.concat(parts);
    return inflater?.(parts === null ? null : Buffer.concat(parts)) ?? null;
  };

  const keep = (part: Buffer, mask: Buffer | null): void => {
    if (message === null || message.parts === null) return;
    message.bytes += part.length;
    if (message.bytes > mostBytes) message.parts = null;
    else message.parts.push(mask === null ? part : unmasked(part, mask, taken));
  };

  const takeHeadByte = (byte: number): void => {
    headBytes[headLength] = byte;
    headLength += 1;
    if (headLength < 2 || headLength < headLengthOf(headBytes)) return;
    frame = readHead(headBytes);
    headLength = 0;
    taken = 0;
    if (frame === null || !mayFollow(frame)) isBroken = true;
    else if (isStart(frame.opcode)) message = { parts: [], bytes: 0, isCompressed: frame.isCompressed };
  };

  const mayFollow = ({ opcode, isCompressed }: FrameHead): boolean => {
    if (isCompressed && (inflater === null || !isStart(opcode))) return false;
    if (opcode === opcodes.continuation) return message !== null;
    return !isStart(opcode) || message === null;
  };

  /** Takes in what belongs to the frame at hand and returns how much that was. */
  const step = (chunk: Buffer): number => {
    if (isBroken) return chunk.length;
    if (frame === null) {
      takeHeadByte(chunk[0] ?? 0);
      return 1;
    }
    const part = chunk.subarray(0, frame.length - taken);
    if (frame.opcode < opcodes.close) keep(part, frame.mask);
    taken += part.length;
    return part.length;
  };

  /** Whether a message was at its end; what it was is taken out. */
  const takeWhole = (): Message | null => {
    if (isBroken || frame === null || taken < frame.length) return null;
    const { isFinal, opcode } = frame;
    frame = null;
    if (!isFinal || opcode >= opcodes.close) return null;
    const whole = message;
    message = null;
    return whole;
  };

  const write = (chunk: Buffer): void => {
    const wasBroken = isBroken;
    let from = 0;
    let at = 0;
    const passOn = (): void => {
      if (at > from) handler.onBytes(chunk.subarray(from, at));
      from = at;
    };
    while (at < chunk.length) {
      if (isPaused) break;
      if (isBetween() && isStart((chunk[at] ?? 0) & 0x0f)) {
        passOn();
        handler.onStart();
      }
      at += step(chunk.subarray(at));
      const whole = takeWhole();
      if (whole !== null) {
        passOn();
        handler.onMessage(decoded(whole));
      }
    }
    passOn();
    if (isBroken && !wasBroken) handler.onMessage(null);
    if (at < chunk.length) waiting = Buffer.concat([waiting, chunk.subarray(at)]);
  };

  const isBetween = (): boolean => !isBroken && frame === null && headLength === 0 && message === null;

  return {
    write(chunk) {
      if (isPaused) waiting = Buffer.concat([waiting, chunk]);
      else write(chunk);
    },
    get isBetween() {
      return isBetween();
    },
    get isBroken() {
      return isBroken;
    },
    pause: () => void (isPaused = true),
    resume() {
      isPaused = false;
      const chunk = waiting;
      waiting = none;
      write(chunk);
    },
  };
}

function isStart(opcode: number): boolean {
  return opcode === opcodes.text || opcode === opcodes.binary;
}

/** How long a head is, by its first two bytes. */
function headLengthOf(bytes: Buffer): number {
  const second = bytes[1] ?? 0;
  const size = second & 0x7f;
  return 2 + (size === 126 ? 2 : size === 127 ? 8 : 0) + ((second & maskBit) === 0 ? 0 : 4);
}

/** Null for a frame that no endpoint may send. */
function readHead(bytes: Buffer): FrameHead | null {
  const first = bytes[0] ?? 0;
  const second = bytes[1] ?? 0;
  const opcode = first & 0x0f;
  const isFinal = (first & finalBit) !== 0;
  const isControl = opcode >= opcodes.close;
  const size = second & 0x7f;
  if ((first & reservedBits) !== 0 || opcode > opcodes.pong) return null;
  if (isControl ? !isFinal || size > mostControlBytes : opcode > opcodes.binary) return null;
  const length =
    size === 126 ? bytes.readUInt16BE(2) : size === 127 ? Number(bytes.readBigUInt64BE(2)) : size;
  if (!Number.isSafeInteger(length)) return null;
  const end = headLengthOf(bytes);
  const mask = (second & maskBit) === 0 ? null : Buffer.from(bytes.subarray(end - 4, end));
  return { isFinal, isCompressed: (first & compressedBit) !== 0, opcode, length, mask };
}

/** A copy of a part without its mask, four bytes at a time; `offset` is where in its frame the part begins. */
function unmasked(part: Buffer, mask: Buffer, offset: number): Buffer {
  const copy = new Uint8Array(part);
  const turned = Uint8Array.from(mask, (_, at) => mask[(offset + at) & 3] ?? 0);
  const [word = 0] = new Int32Array(turned.buffer);
  const words = new Int32Array(copy.buffer, 0, copy.length >> 2);
  for (let at = 0; at < words.length; at += 1) words[at] = (words[at] ?? 0) ^ word;
  for (let at = words.length << 2; at < copy.length; at += 1) {
    copy[at] = (copy[at] ?? 0) ^ (turned[at & 3] ?? 0);
  }
  return Buffer.from(copy.buffer);
}
