import type { RefusalReason } from "@flowstate/shared/wire/meter";

/** Credentials refused by reason, for the control plane to show. Who sent them is not kept. */
export interface RefusalCounter {
  note(reason: RefusalReason): void;
  /** Since the start, for /metrics. */
  readonly totals: ReadonlyMap<RefusalReason, number>;
  /** Takes what was counted since the last call, or null. */
  take(): Partial<Record<RefusalReason, number>> | null;
}

export function createRefusalCounter(): RefusalCounter {
  const totals = new Map<RefusalReason, number>();
  let fresh = new Map<RefusalReason, number>();
  return {
    totals,
    note(reason) {
      totals.set(reason, (totals.get(reason) ?? 0) + 1);
      fresh.set(reason, (fresh.get(reason) ?? 0) + 1);
    },
    take() {
      if (fresh.size === 0) return null;
      const taken = Object.fromEntries(fresh);
      fresh = new Map();
      return taken;
    },
  };
}
