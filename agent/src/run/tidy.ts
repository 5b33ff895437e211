import { setImmediate as breathe } from "node:timers/promises";
import type { Ledger } from "../ledger/ledger.ts";

/** Between so many calls everything else gets its turn. */
const mostAtOnce = 20;

/** Settles every call of which nothing was heard since `before`; returns how many. */
export async function tidy(ledger: Ledger, before: number, signal: AbortSignal): Promise<number> {
  let settled = 0;
  for (let some = 1; some > 0 && !signal.aborted;) {
    some = ledger.calls.settle(before, mostAtOnce);
    settled += some;
    await breathe();
  }
  if (settled === 0) return 0;
  ledger.sweep();
  while (!signal.aborted && ledger.shrink()) await breathe();
  return settled;
}
