import { hourOf } from "@flowstate/shared/time";
import type { MeterRow, SniOutcome } from "@flowstate/shared/wire/meter";
import type { EstimateMethod } from "./observe.ts";

/** What one event adds to a subject's counters; absent means nothing. */
export interface Increment {
  readonly tunnels?: number;
  readonly failedTunnels?: number;
  readonly requests?: number;
  readonly bytesUp?: number;
  readonly bytesDown?: number;
  readonly wouldDeny?: number;
  /** Never part of `requests`; `method` says how they were made. */
  readonly estimate?: { readonly requests: number; readonly method: EstimateMethod };
  /** One tunnel's outcome. */
  readonly sni?: SniOutcome;
}

export interface MeterKey {
  readonly orgId: string;
  readonly subject: string;
  readonly host: string;
}

/** A meter row before its outbox gives it a sequence number. */
export type MeterIncrement = Omit<MeterRow, "seq">;

/**
 * Counters per subject, host and UTC hour since the last flush. Only sums are kept: nothing of a single record,
 * request or moment beyond first and last.
 */
export interface Meter {
  add(key: MeterKey, increment: Increment): void;
  /** Takes all counters out as rows and begins again at zero. */
  drain(): MeterIncrement[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function createMeter(now: () => number = Date.now): Meter {
  let rows = new Map<string, Mutable<MeterIncrement>>();
  return {
    add({ orgId, subject, host }, increment) {
      const at = now();
      const hour = hourOf(at);
      const name = `${orgId}\n${subject}\n${host}\n${hour}`;
      let row = rows.get(name);
      if (row === undefined) {
        row = emptyRow(orgId, subject, host, hour, at);
        rows.set(name, row);
      }
      row.tunnels += increment.tunnels ?? 0;
      row.failedTunnels += increment.failedTunnels ?? 0;
      row.requests += increment.requests ?? 0;
      row.bytesUp += increment.bytesUp ?? 0;
      row.bytesDown += increment.bytesDown ?? 0;
      row.wouldDeny += increment.wouldDeny ?? 0;
      if (increment.estimate !== undefined) addEstimate(row, increment.estimate);
      if (increment.sni !== undefined) row.sni[increment.sni] = (row.sni[increment.sni] ?? 0) + 1;
      row.lastSeenAt = Math.max(row.lastSeenAt, at);
    },
    drain() {
      const drained = [...rows.values()];
      rows = new Map();
      return drained;
    },
  };
}

/** A row that holds estimates of both kinds is only as good as the weaker. */
function addEstimate(
  row: Mutable<MeterIncrement>,
  { requests, method }: NonNullable<Increment["estimate"]>,
): void {
  row.estimatedRequests += requests;
  if (row.estimateMethod !== "turns/v1+h2") row.estimateMethod = method;
}

function emptyRow(
  orgId: string,
  subject: string,
  host: string,
  hour: number,
  at: number,
): Mutable<MeterIncrement> {
  return {
    orgId,
    subject,
    host,
    hour,
    tunnels: 0,
    failedTunnels: 0,
    requests: 0,
    estimatedRequests: 0,
    estimateMethod: null,
    bytesUp: 0,
    bytesDown: 0,
    firstSeenAt: at,
    lastSeenAt: at,
    sni: {},
    wouldDeny: 0,
  };
}
