import { systemClock, type Clock } from "../clock.ts";

/** The system's clock, which can be set forward: whoever would have slept until then wakes. */
export function settableClock(): Clock & { advance(ms: number): void } {
  let aheadMs = 0;
  let moved = new AbortController();
  return {
    now: () => Date.now() + aheadMs,
    async sleep(ms, signal) {
      const wakesAt = this.now() + ms;
      const ended = signal ?? new AbortController().signal;
      while (this.now() < wakesAt && !ended.aborted) {
        await systemClock.sleep(wakesAt - this.now(), AbortSignal.any([moved.signal, ended]));
      }
    },
    advance(ms) {
      aheadMs += ms;
      const woken = moved;
      moved = new AbortController();
      woken.abort();
    },
  };
}
