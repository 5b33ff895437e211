import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@flowstate/shared/clock";
import { flush } from "@flowstate/shared/outbox/deliver";
import { openOutbox, removeOutbox } from "@flowstate/shared/outbox/outbox";
import type { MeterSender } from "./deliver.ts";

export interface OrphansOptions {
  readonly folder: string;
  /** The outboxes of living processes, which are left alone. */
  readonly used: () => ReadonlySet<string>;
  readonly sender: MeterSender;
  readonly clock: Clock;
  /** An outbox that cannot be read; it is left as it is. Told once. */
  readonly onStuck: (reason: string) => void;
}

const everyMs = 5000;

/**
 * Delivers what processes that are gone left in their outboxes, and removes those that are empty then, until `signal`
 * aborts.
 */
export async function deliverOrphans(
  { folder, used, sender, clock, onStuck }: OrphansOptions,
  signal: AbortSignal,
): Promise<void> {
  const stuck = new Set<string>();
  while (!signal.aborted) {
    const files = readdirSync(folder)
      .filter((name) => /^outbox(?:-\d+)?\.db$/.test(name))
      .map((name) => join(folder, name));
    for (const file of files.filter((one) => !used().has(one) && !stuck.has(one))) {
      try {
        const done = await empty(file, sender, signal);
        // A worker may have been given it meanwhile.
        if (done && !used().has(file)) removeOutbox(file);
      } catch (error) {
        stuck.add(file);
        onStuck((error as Error).message);
      }
    }
    await clock.sleep(everyMs, signal);
  }
}

async function empty(file: string, sender: MeterSender, signal: AbortSignal): Promise<boolean> {
  using outbox = openOutbox({ file });
  return await flush({ outbox, send: (batch, stop) => sender.send(batch, stop) }, signal);
}
