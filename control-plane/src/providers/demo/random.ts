import { hash } from "node:crypto";

/** Numbers that look random and follow from what they are for alone: the same parts give the same sequence. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number;
  pick<T>(items: readonly [T, ...T[]]): T;
}

export function randomFor(...parts: readonly (string | number)[]): Random {
  let state = Number.parseInt(hash("sha256", parts.join("|"), "hex").slice(0, 8), 16);
  // mulberry32: 32 bits of state are plenty for one person's day.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    whole: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick: (items) => items[Math.floor(next() * items.length)] ?? items[0],
  };
}

/** A UUID that follows from its parts. */
export function uuidFor(...parts: readonly (string | number)[]): string {
  const hex = hash("sha256", parts.join("|"), "hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
