import type { OrgId } from "@flowstate/shared/ids";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import { activeOrgKey } from "../keys/queries.ts";
import type { Reader, Writer } from "../store/open.ts";

export type ConnectionState = "NOT_CONFIGURED" | "PENDING" | "ACTIVE";

export interface ProxyStatus {
  readonly state: ConnectionState;
  readonly keyId: string | null;
  readonly keyProvisionedAt: number | null;
  /** Of the first and the last successful use of the proxy, by any key. */
  readonly firstSeenAt: number | null;
  readonly lastCaptureAt: number | null;
}

/** The status card as it is now. */
export async function readStatus(db: Reader, orgId: OrgId): Promise<ProxyStatus> {
  const key = await activeOrgKey(db, orgId);
  const capture = await db
    .selectFrom("proxy_captures")
    .select(["first_seen_at", "last_capture_at"])
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  return {
    state: decideState(key !== null, capture !== undefined),
    keyId: key?.keyId ?? null,
    keyProvisionedAt: key?.provisionedAt ?? null,
    firstSeenAt: capture?.first_seen_at ?? null,
    lastCaptureAt: capture?.last_capture_at ?? null,
  };
}

/** No active key, a key that nothing has come through with, or traffic seen. */
export function decideState(hasActiveKey: boolean, seen: boolean): ConnectionState {
  if (!hasActiveKey) return "NOT_CONFIGURED";
  return seen ? "ACTIVE" : "PENDING";
}

export interface StatusReading {
  readonly status: ProxyStatus;
  /** Whether this is the last known state, because the store could not be read. */
  readonly stale: boolean;
}

/** Reads the card, and falls back to what this process read last when the store does not answer. */
export function createStatusCard(reader: Reader): (orgId: OrgId) => Promise<StatusReading> {
  const lastKnown = new Map<OrgId, ProxyStatus>();
  return async (orgId) => {
    try {
      const status = await readStatus(reader, orgId);
      lastKnown.set(orgId, status);
      return { status, stale: false };
    } catch (error) {
      const status = lastKnown.get(orgId);
      if (status === undefined) throw error;
      return { status, stale: true };
    }
  };
}

/** Widens the span of successful use by these rows. A failed tunnel or a refused credential is no use. */
export async function noteCapture(db: Writer, orgId: OrgId, rows: readonly MeterRow[]): Promise<void> {
  const used = rows.filter(
    (row) => row.tunnels + row.requests + row.estimatedRequests > 0 && !isMadeUp(row.subject),
  );
  if (used.length === 0) return;
  const first = used.reduce((least, row) => Math.min(least, row.firstSeenAt), Infinity);
  const last = used.reduce((most, row) => Math.max(most, row.lastSeenAt), 0);
  const known = await db
    .insertInto("proxy_captures")
    .values({ org_id: orgId, first_seen_at: first, last_capture_at: last })
    .onConflict((on) => on.column("org_id").doUpdateSet({ org_id: orgId }))
    .returning(["first_seen_at", "last_capture_at"])
    .executeTakeFirstOrThrow();
  await db
    .updateTable("proxy_captures")
    .set({
      first_seen_at: Math.min(known.first_seen_at, first),
      last_capture_at: Math.max(known.last_capture_at, last),
    })
    .where("org_id", "=", orgId)
    .execute();
}

/** Nobody's address ends so (RFC 2606): the demo's people prove nothing of the proxy. */
function isMadeUp(subject: string): boolean {
  return subject.endsWith(".invalid");
}
