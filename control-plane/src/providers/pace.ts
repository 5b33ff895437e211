import type { Clock } from "@flowstate/shared/clock";

/** Lets at most so many through in any minute. */
export interface Pace {
  /** Resolves when the next request may go; it then counts. */
  take(signal: AbortSignal): Promise<void>;
}

export function createPace(perMinute: number, clock: Clock): Pace {
  const minuteMs = 60_000;
  let starts: readonly number[] = [];
  return {
    async take(signal) {
      const oldest = starts.length < perMinute ? null : (starts[0] ?? null);
      if (oldest !== null) {
        const waitMs = oldest + minuteMs - clock.now();
        if (waitMs > 0) await clock.sleep(waitMs, signal);
      }
      if (perMinute !== Number.POSITIVE_INFINITY) starts = [...starts, clock.now()].slice(-perMinute);
    },
  };
}
