import { dayMs } from "@flowstate/shared/time";
import type { Connector } from "./connector.ts";
import { kindLabels, type UsageProviderKind } from "./kinds.ts";

/**
 * A vendor without a billing API to pull from. Connecting it says that the organisation uses it: its cost comes from
 * the observed calls, priced by the price book, and from imported invoices. No line of a bill is ever invented.
 */
export function configurationFree(kind: UsageProviderKind, notes: readonly string[]): Connector {
  return {
    kind,
    label: kindLabels[kind],
    fields: [],
    schedule: { everyMs: dayMs, rereadDays: 0, backfillDays: 0, windowDays: 1 },
    capabilities: { money: "none", person: "none", notes },
    connect: () => ({
      probe: async () => ({ account: null }),
      async *pull() {},
    }),
  };
}
