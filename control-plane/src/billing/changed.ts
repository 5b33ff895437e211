import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import { scheduleJob } from "../store/jobs.ts";
import type { Writer } from "../store/open.ts";

/**
 * Jobs that say "the bills of this month are others than before", named `billing-changed/2026-11`. Whoever draws
 * conclusions from bills leases them. They are written in the transaction of the change, so that no crash loses one.
 */
export const billingChangedJobs = "billing-changed/";

export async function recordBillingChanged(
  db: Writer,
  orgId: OrgId,
  periods: Iterable<Period>,
  now: number,
): Promise<void> {
  for (const period of new Set(periods)) {
    await scheduleJob(db, orgId, `${billingChangedJobs}${period}`, now);
  }
}
