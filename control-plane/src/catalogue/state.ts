import { dayMs } from "@flowstate/shared/time";
import { hostsOf } from "./recognise.ts";
import type { CatalogueService } from "./service.ts";

/** How well a service is covered. */
export type Coverage = "CATALOG_LISTED" | "HOSTNAME_RECOGNISED" | "BILLING_CONNECTABLE" | "INVISIBLE";

/** CONNECTED: traffic or live billing in the window; DISCONNECTED: had one, now neither; CATALOGUED: known, never seen. */
export type ServiceState = "CONNECTED" | "DISCONNECTED" | "CATALOGUED";

/** What deserves a look. */
export type ServiceFlag = "MONITORING_GAP" | "BILLING_ONLY" | "UNBILLED" | "DISCOVERED";

/** What traffic and bills say of one service. */
export interface ServiceFacts {
  readonly activeUsers30d: number;
  readonly lastSeenAt: number | null;
  /** First and last day that it was billed for. */
  readonly firstBilledAt: number | null;
  readonly lastBilledAt: number | null;
  /** Last day among the bills whose provider is still connected. */
  readonly lastLiveBilledAt: number | null;
  /** Last day on the bill of the service that bills for it, where there is such a one. */
  readonly lastBilledElsewhereAt: number | null;
  /** Since when a connection is there that was made for this service; null while there is none. */
  readonly connectedAt: number | null;
  /** Whether such a connection was there before. */
  readonly wasConnected: boolean;
}

export const noFacts: ServiceFacts = {
  activeUsers30d: 0,
  lastSeenAt: null,
  firstBilledAt: null,
  lastBilledAt: null,
  lastLiveBilledAt: null,
  lastBilledElsewhereAt: null,
  connectedAt: null,
  wasConnected: false,
};

export interface ServiceStanding {
  readonly state: ServiceState;
  readonly flags: readonly ServiceFlag[];
}

/** Traffic and bills older than this say nothing of now. */
export const windowMs = 30 * dayMs;

/** So long a service may be silent that is connected or billed. */
export const silenceMs = 14 * dayMs;

/** Where a service stands. Pure. */
export function decideStanding(facts: ServiceFacts, listed: boolean, now: number): ServiceStanding {
  const { lastSeenAt, firstBilledAt, lastBilledAt, lastLiveBilledAt, connectedAt, wasConnected } = facts;
  const isBilledAtAll = lastBilledAt !== null || facts.lastBilledElsewhereAt !== null;
  const isSeen = isRecent(lastSeenAt, now);
  const isLive = connectedAt !== null || isRecent(lastLiveBilledAt, now);
  const everKnown = lastSeenAt !== null || lastBilledAt !== null || wasConnected;
  // What was never seen is silent since there was something to see: its first bill, or its connection.
  const quietSince = lastSeenAt ?? earliest(firstBilledAt, connectedAt);
  const flags: readonly [ServiceFlag, boolean][] = [
    ["MONITORING_GAP", isLive && quietSince !== null && now - quietSince >= silenceMs],
    ["BILLING_ONLY", lastBilledAt !== null && lastSeenAt === null],
    ["UNBILLED", lastSeenAt !== null && !isBilledAtAll],
    ["DISCOVERED", !listed],
  ];
  return {
    state: isSeen || isLive ? "CONNECTED" : everKnown ? "DISCONNECTED" : "CATALOGUED",
    flags: flags.flatMap(([flag, holds]) => (holds ? flag : [])),
  };
}

/** How a service is covered: what the catalogue, the host table and the connectors know of it. Pure. */
export function decideCoverage(id: string, listed: CatalogueService | null): readonly Coverage[] {
  const coverage: readonly [Coverage, boolean][] = [
    ["CATALOG_LISTED", listed !== null],
    ["HOSTNAME_RECOGNISED", hostsOf(id).length > 0],
    ["BILLING_CONNECTABLE", listed !== null && listed.connector !== null],
  ];
  const held = coverage.flatMap(([name, holds]) => (holds ? name : []));
  return held.length === 0 ? ["INVISIBLE"] : held;
}

function isRecent(at: number | null, now: number): boolean {
  return at !== null && now - at < windowMs;
}

function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((at) => at !== null);
  return known.length === 0 ? null : Math.min(...known);
}
