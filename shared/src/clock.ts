import { setTimeout as delay } from "node:timers/promises";

/** Time as a parameter, so that tests never wait. */
export interface Clock {
  /** UTC epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  },
};

/** Exponential back-off with full jitter: a random wait up to `baseMs * 2^attempt`, at most `maxMs`. */
export function backoffMs(
  attempt: number,
  { baseMs = 250, maxMs = 60_000, random = Math.random }: BackoffOptions = {},
): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return Math.ceil(random() * ceiling);
}

interface BackoffOptions {
  baseMs?: number;
  maxMs?: number;
  random?: () => number;
}
