import { Secret } from "@flowstate/shared/secret";
import type { UsageDate } from "@flowstate/shared/time";
import { sortPulled, type Batch } from "../../src/billing/batch.ts";
import type { Connection, Connector, DayWindow } from "../../src/providers/connector.ts";
import { createVendorHttp } from "../../src/providers/http.ts";
import { hurriedClock, type HurriedClock } from "./clock.ts";
import type { Vendor } from "./vendor.ts";

/** A connector's connection to a local vendor, on a clock where no wait takes time. */
export function connectTo(
  connector: Connector,
  vendor: Pick<Vendor, "url">,
  credentials: Readonly<Record<string, string>>,
  clock: HurriedClock = hurriedClock(),
  /** How long one request may take; a connector's own patience where it is left out. */
  attemptMs?: number,
): Connection {
  const secrets = Object.entries(credentials).map(([name, value]) => [name, new Secret(value)]);
  return connector.connect({
    credentials: Object.fromEntries(secrets) as Record<string, Secret>,
    clock,
    open: (options) =>
      createVendorHttp(attemptMs === undefined ? options : { ...options, attemptMs }, {
        clock,
        override: new URL(vendor.url),
        random: () => 1,
      }),
  });
}

export function window(from: string, until: string): DayWindow {
  return { from: from as UsageDate, until: until as UsageDate };
}

/** All that a pull gives, sorted by what it is. */
export async function pullAll(connection: Connection, days: DayWindow): Promise<Batch> {
  return sortPulled(await Array.fromAsync(connection.pull(days, new AbortController().signal)));
}
