import { randomBytes } from "node:crypto";
import type { Clock } from "@flowstate/shared/clock";

const ticketKeyBytes = 48;
/** OpenSSL's own sessions live for two hours; keys that outlive them by far would only widen what a leak opens. */
const rotateMs = 12 * 60 * 60 * 1000;

/** Keys that session tickets are sealed with: whoever serves under one address must have the same. */
export function mintTicketKeys(): Buffer {
  return randomBytes(ticketKeyBytes);
}

/** Mints new keys twice a day until `signal` aborts. They never touch a disk. */
export async function rotateTicketKeys(
  clock: Clock,
  onKeys: (keys: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(rotateMs, signal);
    if (!signal.aborted) onKeys(mintTicketKeys());
  }
}
