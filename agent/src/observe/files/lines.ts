import { closeSync, openSync, readSync } from "node:fs";

/** What was read of a file: how far whole lines reach, and what had to be passed over. */
export interface LinesRead {
  /** Offset just after the last line end: what follows is not a line yet. */
  readonly offset: number;
  readonly bytes: number;
  /** Lines longer than any call record, left unread. */
  readonly skipped: number;
}

export interface SliceRead extends LinesRead {
  /** The file goes no further, but for a line without an end. */
  readonly isEnd: boolean;
}

const newline = 10;
const chunkBytes = 1 << 17;
/** Pasted images make lines of many megabytes; beyond this a line is passed over. */
const longestLine = 64 << 20;

/** A part of a file: from an offset on, and about how many bytes of whole lines. */
export interface Slice {
  readonly offset: number;
  readonly mostBytes: number;
}

export const wholeFile: Slice = { offset: 0, mostBytes: Infinity };

/**
 * Calls `onLine` for every whole line of the slice that holds one of `marks`. Lines without one are never decoded, the
 * file is never held in memory, and a last line without an end is left for the next time. A line is passed as the slice
 * `[start, end)` of a buffer that is used again afterwards.
 */
export function forMarkedLines(
  file: string,
  { offset, mostBytes }: Slice,
  marks: readonly string[],
  onLine: (buffer: Buffer, start: number, end: number) => void,
): SliceRead {
  const descriptor = openSync(file, "r");
  try {
    const scan = markedLines(marks, onLine);
    let position = offset;
    for (;;) {
      const room = scan.room();
      const read = readSync(descriptor, room, 0, room.length, position);
      if (read === 0) return { ...scan.end(offset), isEnd: true };
      position += read;
      scan.fed(read);
      if (position - offset >= mostBytes && scan.isBetweenLines())
        return { ...scan.end(offset), isEnd: false };
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The same for text that comes in pieces, such as a decompressed stream. */
export function markedLines(
  marks: readonly string[],
  onLine: (buffer: Buffer, start: number, end: number) => void,
): LineScan {
  const needles = marks.map((mark) => Buffer.from(mark));
  let buffer = idle ?? Buffer.allocUnsafe(chunkBytes);
  idle = undefined;
  let held = 0;
  let consumed = 0;
  let bytes = 0;
  let skipped = 0;
  let skipping = false;
  let skippedFrom = 0;

  const fed = (added: number): void => {
    bytes += added;
    const end = held + added;
    const last = buffer.lastIndexOf(newline, end - 1);
    if (last < 0 || last < held) {
      held = end;
      if (held >= longestLine) {
        if (!skipping) skippedFrom = consumed;
        consumed += held;
        skipped += skipping ? 0 : 1;
        skipping = true;
        held = 0;
      }
      return;
    }
    const from = skipping ? buffer.indexOf(newline) + 1 : 0;
    skipping = false;
    if (last > from) eachMarked(buffer, from, last, needles, onLine);
    consumed += last + 1;
    held = end - last - 1;
    buffer.copyWithin(0, last + 1, end);
  };

  return {
    room() {
      if (held === buffer.length) {
        const larger = Buffer.allocUnsafe(buffer.length * 2);
        buffer.copy(larger);
        buffer = larger;
      }
      return buffer.subarray(held);
    },
    fed,
    isBetweenLines: () => consumed > 0 && !skipping,
    end(offset) {
      if (buffer.length === chunkBytes) idle = buffer;
      return { offset: offset + (skipping ? skippedFrom : consumed), bytes, skipped };
    },
  };
}

export interface LineScan {
  /** Free space to read into; then say how much was read with `fed`. */
  room(): Buffer;
  fed(added: number): void;
  /** Whether reading may stop here and go on at the offset that `end` says. */
  isBetweenLines(): boolean;
  end(offset: number): LinesRead;
}

/** One chunk is kept between files: they are read one after the other. */
let idle: Buffer | undefined;

function eachMarked(
  buffer: Buffer,
  from: number,
  last: number,
  needles: readonly Buffer[],
  onLine: (buffer: Buffer, start: number, end: number) => void,
): void {
  const next = needles.map((needle) => find(buffer, needle, from, last));
  let start = from;
  for (;;) {
    let hit = Infinity;
    for (const at of next) if (at < hit) hit = at;
    if (hit === Infinity) return;
    // Forwards, line by line: searching backwards from the hit is many times slower.
    let end = buffer.indexOf(newline, start);
    while (end < hit) {
      start = end + 1;
      end = buffer.indexOf(newline, start);
    }
    onLine(buffer, start, end);
    start = end + 1;
    needles.forEach((needle, index) => {
      if ((next[index] ?? Infinity) < start) next[index] = find(buffer, needle, start, last);
    });
  }
}

function find(buffer: Buffer, needle: Buffer, from: number, last: number): number {
  const at = buffer.indexOf(needle, from);
  return at < 0 || at > last ? Infinity : at;
}
