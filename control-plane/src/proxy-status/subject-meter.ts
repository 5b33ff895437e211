import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import { overageUnits, quotaOf, readQuotas } from "./quotas.ts";

/** One subject's month. */
export interface SubjectMonth {
  readonly subject: string;
  /** Exact and estimated together. */
  readonly requests: bigint;
  readonly estimatedRequests: bigint;
  readonly tunnels: bigint;
  readonly failedTunnels: bigint;
  readonly bytesUp: bigint;
  readonly bytesDown: bigint;
  readonly quota: bigint | null;
  readonly overageUnits: bigint;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

/** Every subject seen in the month, in alphabetical order. */
export async function readSubjectMeter(
  db: Reader,
  orgId: OrgId,
  period: Period,
): Promise<readonly SubjectMonth[]> {
  const quotas = await readQuotas(db, orgId);
  const rows = await db
    .selectFrom("meter_months")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .orderBy("subject")
    .execute();
  return rows.map((row) => {
    const requests = row.requests + row.estimated_requests;
    const quota = quotaOf(quotas, row.subject);
    return {
      subject: row.subject,
      requests,
      estimatedRequests: row.estimated_requests,
      tunnels: row.tunnels,
      failedTunnels: row.failed_tunnels,
      bytesUp: row.bytes_up,
      bytesDown: row.bytes_down,
      quota,
      overageUnits: overageUnits(requests, quota),
      firstSeenAt: row.first_seen_at,
      lastSeenAt: row.last_seen_at,
    };
  });
}

/** Hosts that a subject reached in an interval of whole hours, the busiest first. */
export async function readSubjectHosts(
  db: Reader,
  orgId: OrgId,
  subject: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom("meter_hours")
    .select("host")
    .where("org_id", "=", orgId)
    .where("subject", "=", subject)
    .where("hour", ">=", from)
    .where("hour", "<", to)
    .groupBy("host")
    .orderBy(({ fn }) => fn.sum("tunnels"), "desc")
    .orderBy("host")
    .execute();
  return rows.map(({ host }) => host);
}
