import type { Clock } from "@flowstate/shared/clock";
import { minuteMs, untilNext } from "@flowstate/shared/time";

/** When a task that mostly has nothing to do looks again: soon while something is new, with each minute otherwise. */
export interface Pace {
  /** Something is new. */
  note(): void;
  /** Resolves when it is time to look, or when `signal` aborts. */
  rest(signal: AbortSignal): Promise<void>;
}

export interface PaceOptions {
  readonly clock: Clock;
  readonly soonMs: number;
  /** For how long after it was noted something may still have to wait. */
  readonly freshMs: number;
}

/** A resting processor pays more for being woken than for looking, so that nobody is woken to find nothing. */
export function createPace({ clock, soonMs, freshMs }: PaceOptions): Pace {
  let notedAt = clock.now();
  let wake = (): void => undefined;
  return {
    note() {
      notedAt = clock.now();
      wake();
    },
    async rest(signal) {
      // A clock that was set back ends the freshness too: the minute is the longest that anything waits.
      if (Math.abs(clock.now() - notedAt) > freshMs + soonMs) {
        const woken = new AbortController();
        wake = () => woken.abort();
        await clock.sleep(untilNext(minuteMs, clock.now()), AbortSignal.any([signal, woken.signal]));
        if (!woken.signal.aborted) return;
      }
      await clock.sleep(soonMs, signal);
    },
  };
}
