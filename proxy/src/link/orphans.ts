import { readdirSync } from "node:fs";
import { join } from "node:path";
import { flush } from "@flowstate/shared/outbox/deliver";
import { openOutbox, removeOutbox } from "@flowstate/shared/outbox/outbox";
import type { MeterSender } from "./deliver.ts";

/**
 * Delivers what processes that are gone left in their outboxes, and removes those that are empty then. `isUsed` names
 * the files of living workers, which are left alone.
 */
export async function deliverOrphans(
  folder: string,
  isUsed: (file: string) => boolean,
  sender: MeterSender,
  signal: AbortSignal,
): Promise<void> {
  const files = readdirSync(folder)
    .filter((name) => /^outbox(?:-\d+)?\.db$/.test(name))
    .map((name) => join(folder, name));
  for (const file of files.filter((one) => !isUsed(one))) {
    if (await empty(file, sender, signal)) removeOutbox(file);
  }
}

async function empty(file: string, sender: MeterSender, signal: AbortSignal): Promise<boolean> {
  using outbox = openOutbox({ file });
  return await flush({ outbox, send: (batch, stop) => sender.send(batch, stop) }, signal);
}
