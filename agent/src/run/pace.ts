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
  // When the look began that is over when `rest` is called: it has not seen what was noted since.
  let lookedAt = notedAt;
  let wake = (): void => undefined;
  return {
    note() {
      notedAt = clock.now();
      wake();
    },
    async rest(signal) {
      // Where the clock was set back, all is as if of now.
      if (clock.now() < Math.max(notedAt, lookedAt)) notedAt = lookedAt = clock.now();
      let isSoon = lookedAt - notedAt <= freshMs;
      if (!isSoon) {
        const woken = new AbortController();
        wake = () => woken.abort();
        await clock.sleep(untilNext(minuteMs, clock.now()), AbortSignal.any([signal, woken.signal]));
        isSoon = woken.signal.aborted;
      }
      if (isSoon) await clock.sleep(soonMs, signal);
      lookedAt = clock.now();
    },
  };
}
