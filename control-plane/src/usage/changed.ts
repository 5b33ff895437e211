import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import { scheduleJob } from "../store/jobs.ts";
import type { Writer } from "../store/open.ts";

/**
 * Jobs that say "the calls of this month are others than before", named `usage-changed/2026-11`, written in the
 * transaction of the change. Whoever draws conclusions from calls leases them.
 */
export const usageChangedJobs = "usage-changed/";

export async function recordUsageChanged(
  db: Writer,
  orgId: OrgId,
  periods: Iterable<Period>,
  now: number,
): Promise<void> {
  for (const period of periods) await scheduleJob(db, orgId, `${usageChangedJobs}${period}`, now);
}
