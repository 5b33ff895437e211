import { constants, deflateRawSync } from "node:zlib";

export interface FrameOptions {
  /** Text unless given. */
  readonly opcode?: number;
  readonly isFinal?: boolean;
  readonly isCompressed?: boolean;
  /** Four bytes; without a mask unless given. */
  readonly mask?: Buffer;
}

/** One frame of a WebSocket as RFC 6455 section 5.2 has it, the shortest form of its length. */
export function webSocketFrame(payload: Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = 1, isFinal = true, isCompressed = false, mask } = options;
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  head[1] = (mask === undefined ? 0 : 0x80) | (size < 126 ? size : size < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(size, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
  if (mask === undefined) return Buffer.concat([head, payload]);
  const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([head, mask, masked]);
}

/** Compresses one message after the other as RFC 7692 has it. */
export function messageDeflater(keepsContext: boolean): (message: Buffer) => Buffer {
  let before = Buffer.alloc(0);
  return (message) => {
    const dictionary = before.length === 0 || !keepsContext ? {} : { dictionary: before };
    const packed = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary });
    before = Buffer.concat([before, message]).subarray(-32_768);
    return packed.subarray(0, -4);
  };
}
