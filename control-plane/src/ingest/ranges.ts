/**
 * A set of sequence numbers as sorted, disjoint, non-adjacent ranges. An outbox numbers its rows without gaps, so the
 * set of those received is nearly always one range, whatever was delivered twice or out of order.
 */
export type Ranges = readonly Range[];

export interface Range {
  readonly from: number;
  /** Included. */
  readonly to: number;
}

export function containsSeq(ranges: Ranges, seq: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined) return false;
    if (seq < range.from) high = middle - 1;
    else if (seq > range.to) low = middle + 1;
    else return true;
  }
  return false;
}

/** The union with some more sequence numbers, in any order, with or without doubles. */
export function addSeqs(ranges: Ranges, seqs: Iterable<number>): Ranges {
  const points = Array.from(seqs, (seq): Range => ({ from: seq, to: seq }));
  const sorted = [...ranges, ...points].sort((a, b) => a.from - b.from);
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** Sequence numbers between the first and the last received that never came. */
export function countMissing(ranges: Ranges): number {
  const first = ranges[0];
  const last = ranges.at(-1);
  if (first === undefined || last === undefined) return 0;
  return last.to - first.from + 1 - ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** `1-812,815`, as it is stored. */
export function printRanges(ranges: Ranges): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}

/** Reads back what `printRanges` wrote. */
export function readRanges(text: string): Ranges {
  if (text === "") return [];
  return text.split(",").map((part) => {
    const [from = "", to = from] = part.split("-");
    return { from: Number(from), to: Number(to) };
  });
}
