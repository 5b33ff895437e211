import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "@flowstate/shared/clock";
import { minuteMs, untilNext } from "@flowstate/shared/time";

export interface GiveBackOptions {
  readonly clock: Clock;
  /** Collects all garbage and returns the pages to the system. */
  readonly collect?: () => void;
  readonly heapBytes?: () => number;
  /** Microseconds of processor that this process has taken. */
  readonly cpuUs?: () => number;
}

/** Between two looks while something goes on; while nothing does, it is looked with each minute. */
const busyLookMs = 10_000;
/** Share of a processor below which nothing is going on that a pause of some 50 ms would hold up. */
const quietShare = 0.02;
/** What a burst leaves, and an idle agent does not. */
const burstBytes = 12_000_000;
/** Less than this is not worth the pause, nor the 100 ms of processor, which an idle agent is not to spend often. */
const worthBytes = 4_000_000;
const worthApartMs = 15 * minuteMs;

/**
 * Gives memory back once work has ended. V8 keeps the heap that a burst has needed for as long as nothing else asks for
 * room, which in a daemon that rests most of the day is for ever.
 */
export async function giveBack(options: GiveBackOptions, signal: AbortSignal): Promise<void> {
  const { clock, collect = collector(), heapBytes = heapSize, cpuUs = cpuTime } = options;
  let kept = 0;
  let sinceMs = worthApartMs;
  let lookMs = busyLookMs;
  let cpuBefore = cpuUs();
  while (!signal.aborted) {
    await clock.sleep(lookMs, signal);
    sinceMs += lookMs;
    const cpuNow = cpuUs();
    const isQuiet = cpuNow - cpuBefore < quietShare * lookMs * 1000;
    cpuBefore = cpuNow;
    lookMs = isQuiet ? untilNext(minuteMs, clock.now()) : busyLookMs;
    const growth = heapBytes() - kept;
    if (!isQuiet || growth < (sinceMs < worthApartMs ? burstBytes : worthBytes)) continue;
    collect();
    sinceMs = 0;
    kept = heapBytes();
    cpuBefore = cpuUs();
  }
}

/** V8's own collection on demand, without a flag that whoever starts Node would have to give. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as NodeJS.GCFunction;
  return () => gc({ type: "major", flavor: "last-resort" });
}

function heapSize(): number {
  return getHeapStatistics().total_heap_size;
}

function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
