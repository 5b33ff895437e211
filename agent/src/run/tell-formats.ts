import { hourMs } from "@flowstate/shared/time";
import type { FormatEvent } from "@flowstate/shared/wire/format";
import type { Outbox } from "@flowstate/shared/outbox/outbox";
import type { Ledger } from "../ledger/ledger.ts";
import { instant } from "../local/status.ts";

/** Counts grow with every answer, and are told again once an hour alone; a new alarm is told at once. */
const everyMs = hourMs;

/**
 * Puts into the outbox how far formats are understood. Whoever dies before the ledger says so tells it again: counts run
 * on from the first answer, so a telling more changes nothing. Throws what `tell` throws.
 */
export function tellFormats({ formats }: Ledger, outbox: Outbox, now: number): void {
  const due = formats.due(now, everyMs);
  if (due.length === 0) return;
  const events = due.map(({ firstAt, lastAt, ...format }): Omit<FormatEvent, "seq"> => ({
    kind: "format",
    ...format,
    firstAt: instant(firstAt),
    occurredAt: instant(lastAt),
  }));
  outbox.append(events.map((event) => JSON.stringify(event)));
  formats.told(due, now);
}
