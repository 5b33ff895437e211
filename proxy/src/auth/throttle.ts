/**
 * Slows down who presents wrong keys. Counted per source address and key, so that a misconfigured tool that retries
 * in a storm does not lock out its neighbours behind the same address. Probes without a credential never count.
 */
export interface Throttle {
  /** Notes one wrong key and says how long the answer should wait, or that it should be 429. */
  wrong(address: string, keyHint: string): { readonly delayMs: number; readonly refuse: boolean };
}

const windowMs = 10_000;
const freeAttempts = 5;
const refuseAfter = 20;
const mostBuckets = 10_000;

export function createThrottle(now: () => number = Date.now): Throttle {
  const buckets = new Map<string, { count: number; until: number }>();
  return {
    wrong(address, keyHint) {
      const name = `${address} ${keyHint.slice(0, 64)}`;
      const at = now();
      const known = buckets.get(name);
      const bucket = known !== undefined && known.until > at ? known : { count: 0, until: 0 };
      bucket.count += 1;
      bucket.until = at + windowMs;
      if (known === undefined && buckets.size >= mostBuckets) buckets.clear();
      buckets.set(name, bucket);
      return {
        delayMs: bucket.count <= freeAttempts ? 0 : Math.min(5000, 1000 * (bucket.count - freeAttempts)),
        refuse: bucket.count > refuseAfter,
      };
    },
  };
}
