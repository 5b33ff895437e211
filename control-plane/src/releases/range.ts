/** The bytes that are asked for, both ends included. */
export interface ByteRange {
  readonly from: number;
  readonly until: number;
}

/**
 * One range of bytes out of `size` (RFC 9110 14.2). Null, and so the whole, where there is no such header, where it asks
 * for several ranges, and where it cannot be read. Never throws.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | "unsatisfiable" | null {
  const [, first = "", last = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { from: size - length, until: size - 1 };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return null;
  if (from >= size) return "unsatisfiable";
  return { from, until: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
}
