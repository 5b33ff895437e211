import test from "ava";
import type { Clock } from "@flowstate/shared/clock";
import { createPace } from "./pace.ts";

/** A clock that jumps over what is slept, unless something aborts the sleep, and notes how long each was to be. */
function jumpingClock(onSleep: (asked: number) => void = () => undefined): Clock & { slept: number[] } {
  let at = 0;
  const slept: number[] = [];
  return {
    slept,
    now: () => at,
    async sleep(ms, signal) {
      slept.push(ms);
      onSleep(slept.length);
      if (signal?.aborted !== true) at += ms;
    },
  };
}

const never = new AbortController().signal;

test("what was noted is looked at soon for as long as it may have to wait, and then with each minute", async (t) => {
  const clock = jumpingClock();
  const pace = createPace({ clock, soonMs: 5000, freshMs: 20_000 });
  for (let look = 0; look < 7; look += 1) await pace.rest(never);
  t.deepEqual(clock.slept, [5000, 5000, 5000, 5000, 5000, 35_000, 60_000]);
});

test("news ends the minute, and what comes with it is gathered", async (t) => {
  const clock = jumpingClock((sleeps) => {
    if (sleeps === 2) pace.note();
  });
  const pace = createPace({ clock, soonMs: 5000, freshMs: 0 });
  for (let look = 0; look < 2; look += 1) await pace.rest(never);
  t.deepEqual(clock.slept, [5000, 55_000, 5000]);
});

test("news that comes during a look is looked at soon, however long the look takes", async (t) => {
  const clock = jumpingClock();
  const pace = createPace({ clock, soonMs: 5000, freshMs: 0 });
  for (let look = 0; look < 2; look += 1) await pace.rest(never);
  await clock.sleep(1000);
  pace.note();
  await clock.sleep(30_000);
  await pace.rest(never);
  t.deepEqual(clock.slept, [5000, 55_000, 1000, 30_000, 5000]);
});

test("a clock that is set back keeps nothing waiting, and ends the haste as ever", async (t) => {
  let at = 1e9;
  const slept: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    slept.push(ms);
    at += ms;
    return Promise.resolve();
  };
  const pace = createPace({ clock: { now: () => at, sleep }, soonMs: 5000, freshMs: 5000 });
  at = 0;
  for (let look = 0; look < 4; look += 1) await pace.rest(never);
  t.deepEqual(slept, [5000, 5000, 50_000, 60_000]);
});

test("a stop ends the rest", async (t) => {
  const clock = jumpingClock();
  await createPace({ clock, soonMs: 5000, freshMs: 0 }).rest(AbortSignal.abort());
  t.is(clock.now(), 0);
});
