/** Where a reader of TLS records stands (RFC 8446 5.1): plain numbers, the same few whatever has gone by. */
export interface RecordCursor {
  /** Bytes of the record header read so far, 0 to 4. */
  header: number;
  type: number;
  length: number;
  /** Bytes of the record's body still to come. */
  left: number;
}

export const recordTypes = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

const mostLength = (1 << 14) + 2048;
const heartbeat = 24;

export function createRecordCursor(): RecordCursor {
  return { header: 0, type: 0, length: 0, left: 0 };
}

/**
 * Reads on through `bytes` and names each record when its header is complete. However the stream is cut into chunks,
 * the records are the same. Returns false where the bytes are no TLS records; nothing can be read after that.
 */
export function readRecords<T>(
  cursor: RecordCursor,
  bytes: Uint8Array,
  onRecord: (state: T, type: number, length: number) => void,
  state: T,
): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (cursor.left > 0) {
      const step = Math.min(cursor.left, bytes.length - at);
      cursor.left -= step;
      at += step;
      continue;
    }
    const byte = bytes[at] ?? 0;
    at += 1;
    switch (cursor.header) {
      case 0:
        if (byte < recordTypes.changeCipherSpec || byte > heartbeat) return false;
        cursor.type = byte;
        break;
      case 1:
        if (byte !== 3) return false;
        break;
      case 3:
        cursor.length = byte << 8;
        break;
      case 4:
        cursor.length |= byte;
        if (cursor.length > mostLength) return false;
        cursor.left = cursor.length;
        onRecord(state, cursor.type, cursor.length);
        break;
    }
    cursor.header = cursor.header === 4 ? 0 : cursor.header + 1;
  }
  return true;
}
