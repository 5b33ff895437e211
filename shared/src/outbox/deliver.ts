import { backoffMs, systemClock, type Clock } from "../clock.ts";
import type { Outbox, OutboxBatch } from "./outbox.ts";

/** What became of one delivery. `retry` keeps the rows; `done` lets them go. */
export type Delivery =
  | { readonly kind: "done" }
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number };

export interface DeliverOptions {
  readonly outbox: Outbox;
  /** Sends one batch. It must not throw for anything the other side does. */
  readonly send: (batch: OutboxBatch, signal: AbortSignal) => Promise<Delivery>;
  readonly signal: AbortSignal;
  readonly maxRows?: number;
  /** How long to gather rows when there was nothing to send. */
  readonly gatherMs?: number;
  readonly clock?: Clock;
  readonly onRetry?: (reason: string, attempt: number, waitMs: number) => void;
}

/**
 * Delivers the outbox in order until `signal` aborts: at least once, one batch in flight, back-off with jitter while
 * the control plane is away. On abort one last pass sends what is there, bounded by `flush`.
 */
export async function deliver({
  outbox,
  send,
  signal,
  maxRows = 1000,
  gatherMs = 1000,
  clock = systemClock,
  onRetry,
}: DeliverOptions): Promise<void> {
  let attempt = 0;
  while (!signal.aborted) {
    const batch = outbox.peek(maxRows);
    if (batch === null) {
      await outbox.filled(signal);
      await clock.sleep(gatherMs, signal);
      continue;
    }
    const delivery = await send(batch, signal);
    if (delivery.kind === "done") {
      outbox.acknowledge(lastSeq(batch));
      attempt = 0;
    } else if (!signal.aborted) {
      const waitMs = delivery.afterMs ?? backoffMs(attempt);
      onRetry?.(delivery.reason, attempt, waitMs);
      attempt += 1;
      await clock.sleep(waitMs, signal);
    }
  }
}

/** Sends what is left, once, without waiting for a control plane that is away. Returns whether the outbox is empty. */
export async function flush(
  { outbox, send, maxRows = 1000 }: Pick<DeliverOptions, "outbox" | "send" | "maxRows">,
  signal: AbortSignal,
): Promise<boolean> {
  for (let batch = outbox.peek(maxRows); batch !== null; batch = outbox.peek(maxRows)) {
    if (signal.aborted || (await send(batch, signal)).kind !== "done") return false;
    outbox.acknowledge(lastSeq(batch));
  }
  return true;
}

function lastSeq(batch: OutboxBatch): number {
  return batch.rows.at(-1)?.seq ?? 0;
}
