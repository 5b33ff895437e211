import { systemClock, type Clock } from "@flowstate/shared/clock";

/** A clock on which waiting takes no time: it moves on by what was waited, and by nothing else. */
export interface HurriedClock extends Clock {
  readonly sleeps: readonly number[];
  advance(ms: number): void;
}

export function hurriedClock(start = Date.UTC(2026, 10, 20, 12)): HurriedClock {
  let now = start;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    advance: (ms) => void (now += ms),
    async sleep(ms) {
      sleeps.push(ms);
      now += ms;
    },
  };
}

/** A clock that runs as the system's does, from another instant. */
export function shiftedClock(start: number): Clock {
  const aheadMs = start - systemClock.now();
  return { ...systemClock, now: () => systemClock.now() + aheadMs };
}
