import test from "ava";
import { giveBack } from "./give-back.ts";

const megabyte = 1_000_000;

/** What a process is at, look by look: its heap and the processor time since the look before. */
interface Look {
  readonly heapMb: number;
  readonly busyMs?: number;
}

/** The looks after which memory was given back; the heap then stands at `keptMb` until it grows again. */
async function collectedAt(looks: readonly Look[], keptMb = 18): Promise<readonly number[]> {
  const stop = new AbortController();
  const collected: number[] = [];
  let look = -1;
  let cpuUs = 0;
  let isSmall = false;
  await giveBack(
    {
      clock: {
        now: () => 0,
        async sleep() {
          look += 1;
          isSmall = false;
          cpuUs += (looks[look]?.busyMs ?? 0) * 1000;
          if (look >= looks.length - 1) stop.abort();
        },
      },
      collect: () => {
        collected.push(look);
        isSmall = true;
      },
      heapBytes: () => (isSmall ? keptMb : (looks[look]?.heapMb ?? 0)) * megabyte,
      cpuUs: () => cpuUs,
    },
    stop.signal,
  );
  return collected;
}

test("what a start or a burst has left is given back once it is quiet", async (t) => {
  t.deepEqual(await collectedAt([{ heapMb: 40, busyMs: 5000 }, { heapMb: 40 }]), [1]);
});

test("nothing is held up while there is work", async (t) => {
  t.deepEqual(
    await collectedAt([
      { heapMb: 40, busyMs: 300 },
      { heapMb: 60, busyMs: 250 },
    ]),
    [],
  );
});

const resting = (looks: number): readonly Look[] => Array.from({ length: looks }, () => ({ heapMb: 20 }));

test("a heap that has hardly grown is left alone", async (t) => {
  t.deepEqual(await collectedAt([{ heapMb: 40 }, ...resting(15), { heapMb: 21.9 }, { heapMb: 22 }]), [0, 17]);
});

test("what an idle agent grows by is given back once in a quarter of an hour", async (t) => {
  const idle = Array.from({ length: 40 }, () => ({ heapMb: 29.9 }));
  t.deepEqual(await collectedAt(idle), [0, 15, 30]);
});

test("while nothing goes on it is looked at once a minute, and soon again once something does", async (t) => {
  const stop = new AbortController();
  const restedMs: number[] = [];
  let cpuUs = 0;
  await giveBack(
    {
      clock: {
        now: () => 0,
        async sleep(ms) {
          restedMs.push(ms);
          if (restedMs.length === 3) cpuUs += 2_000_000;
          if (restedMs.length === 5) stop.abort();
        },
      },
      collect: () => undefined,
      heapBytes: () => 20 * megabyte,
      cpuUs: () => cpuUs,
    },
    stop.signal,
  );
  t.deepEqual(restedMs, [10_000, 60_000, 60_000, 10_000, 60_000]);
});

test("what a burst leaves is given back however soon it comes", async (t) => {
  t.deepEqual(await collectedAt([{ heapMb: 40 }, { heapMb: 29.9 }, { heapMb: 30 }]), [0, 2]);
});

test("V8 collects on demand, however Node was started", async (t) => {
  const stop = new AbortController();
  const heaps: number[] = [];
  let garbage: unknown[] | null = Array.from({ length: 400_000 }, (_, index) => ({ index }));
  t.is(garbage.length, 400_000);
  garbage = null;
  await giveBack(
    {
      clock: { now: () => 0, sleep: async () => undefined },
      heapBytes: () => {
        heaps.push(process.memoryUsage().heapTotal);
        if (heaps.length === 2) stop.abort();
        return heaps.at(-1) ?? 0;
      },
      cpuUs: () => 0,
    },
    stop.signal,
  );
  const [before = 0, after = 0] = heaps;
  t.true(after < before);
});
