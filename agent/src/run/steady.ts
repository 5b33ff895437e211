import type { Clock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import type { Logger } from "@flowstate/shared/log";

const retryMs = 2000;

export interface SteadyOptions {
  /** What is done, for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A background task that goes on after a failure, such as a full disk: it is begun again after a pause, and the log
 * says so once. The agent must not end with its storage, for tools reach the network through it.
 */
export function steady(
  { what, clock, log }: SteadyOptions,
  work: (signal: AbortSignal) => Promise<void>,
): AsyncDisposable {
  return background(async (signal) => {
    let failing: string | null = null;
    while (!signal.aborted) {
      const startedAt = clock.now();
      try {
        await work(signal);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (reason !== failing) log.error({ err: error }, `${what} failed, and is tried again`);
        failing = clock.now() - startedAt > retryMs ? null : reason;
        await clock.sleep(retryMs, signal);
      }
    }
  });
}
