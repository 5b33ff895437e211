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
  for (let look = 0; look < 8; look += 1) await pace.rest(never);
  t.deepEqual(clock.slept, [5000, 5000, 5000, 5000, 5000, 5000, 30_000, 60_000]);
});

test("news ends the minute, and what comes with it is gathered", async (t) => {
  const clock = jumpingClock((sleeps) => {
    if (sleeps === 3) pace.note();
  });
  const pace = createPace({ clock, soonMs: 5000, freshMs: 0 });
  for (let look = 0; look < 3; look += 1) await pace.rest(never);
  t.deepEqual(clock.slept, [5000, 5000, 50_000, 5000]);
});

test("news that comes while work is done is not missed", async (t) => {
  const clock = jumpingClock();
  const pace = createPace({ clock, soonMs: 5000, freshMs: 0 });
  await pace.rest(never);
  await pace.rest(never);
  await pace.rest(never);
  pace.note();
  await pace.rest(never);
  t.deepEqual(clock.slept, [5000, 5000, 50_000, 5000]);
});

test("a stop ends the rest", async (t) => {
  const clock = jumpingClock();
  await createPace({ clock, soonMs: 5000, freshMs: 0 }).rest(AbortSignal.abort());
  t.is(clock.now(), 0);
});
