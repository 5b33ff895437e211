import type { OnReadOpts } from "node:net";

/**
 * What a target sends, read into one buffer that all tunnels of this process share: a read per tunnel would allocate
 * 64 KiB each time, and their collection was most of what a gigabyte cost.
 */
export interface TargetReads {
  /** For `net.connect`. */
  readonly onread: OnReadOpts;
  /**
   * Hands every read to `take` from now on, and what came before at once. The bytes are valid until `take` returns;
   * false stops the reading until the socket is resumed.
   */
  deliverTo(take: (bytes: Buffer) => boolean): void;
}

const shared = Buffer.allocUnsafeSlow(1 << 16);

export function createTargetReads(): TargetReads {
  const early: Buffer[] = [];
  let taker: ((bytes: Buffer) => boolean) | null = null;
  return {
    onread: {
      buffer: shared,
      callback(length) {
        const bytes = shared.subarray(0, length);
        if (taker !== null) return taker(bytes);
        early.push(Buffer.from(bytes));
        return true;
      },
    },
    deliverTo(take) {
      taker = take;
      for (const bytes of early.splice(0)) take(bytes);
    },
  };
}
