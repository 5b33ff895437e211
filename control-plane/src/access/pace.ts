import type { Clock } from "@flowstate/shared/clock";

const windowMs = 60_000;

export interface Admission {
  readonly admitted: boolean;
  readonly remaining: number;
  /** Seconds until the count starts anew. */
  readonly resetSeconds: number;
}

/** Counts each caller's requests by the minute, in this process, and admits so many. */
export function createPace(clock: Clock, mostPerMinute: number): (caller: string) => Admission {
  let windows = new Map<string, { readonly until: number; count: number }>();
  return (caller) => {
    const now = clock.now();
    if (windows.size > 10_000) windows = new Map([...windows].filter(([, { until }]) => until > now));
    const known = windows.get(caller);
    const window = known !== undefined && known.until > now ? known : { until: now + windowMs, count: 0 };
    windows.set(caller, window);
    const admitted = window.count < mostPerMinute;
    if (admitted) window.count += 1;
    return {
      admitted,
      remaining: mostPerMinute - window.count,
      resetSeconds: Math.ceil((window.until - now) / 1000),
    };
  };
}
