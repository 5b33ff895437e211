import type { Clock } from "@flowstate/shared/clock";
import type { Outbox } from "@flowstate/shared/outbox/outbox";
import type { Meter, MeterIncrement } from "./meter.ts";

export interface Flusher {
  /** Writes all counters to the outbox now. Counters that cannot be written stay and are tried again. */
  flush(): void;
  /** Flushes every `everyMs` until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface FlusherOptions {
  readonly meter: Meter;
  readonly outbox: Outbox;
  readonly everyMs: number;
  readonly clock: Clock;
  /** Called before each flush, so that open tunnels can add what they carried since the last. */
  readonly collect: () => void;
  readonly onFailure: (error: unknown, rows: number) => void;
}

/** Moves counters from memory to disk every few seconds: that is all that `kill -9` can take. */
export function createFlusher({
  meter,
  outbox,
  everyMs,
  clock,
  collect,
  onFailure,
}: FlusherOptions): Flusher {
  let kept: readonly MeterIncrement[] = [];
  const flush = (): void => {
    collect();
    const rows = [...kept, ...meter.drain()];
    kept = [];
    if (rows.length === 0) return;
    try {
      outbox.append(rows.map((row) => JSON.stringify(row)));
    } catch (error) {
      kept = rows;
      onFailure(error, rows.length);
    }
  };
  return {
    flush,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(everyMs, signal);
        flush();
      }
    },
  };
}
