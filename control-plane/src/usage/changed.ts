import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import { scheduleJob } from "../store/jobs.ts";
import type { Writer } from "../store/open.ts";

/**
 * Jobs that say "the calls of this month are others than before", named `usage-changed/2026-11`, written in the
 * transaction of the change. Whoever draws conclusions from calls leases them.
 */
export const usageChangedJobs = "usage-changed/";

/** The same for those who look at the newest days of an organisation, whatever month they are in: one job for all. */
export const usageSeenJob = "usage-seen";

export async function recordUsageChanged(
  db: Writer,
  orgId: OrgId,
  periods: Iterable<Period>,
  now: number,
): Promise<void> {
  const changed = Array.from(periods, (period) => `${usageChangedJobs}${period}`);
  if (changed.length === 0) return;
  for (const name of changed) await scheduleJob(db, orgId, name, now);
  await recordUsageSeen(db, orgId, now);
}

/** Says that devices have told something of an organisation, be it calls or not. */
export async function recordUsageSeen(db: Writer, orgId: OrgId, now: number): Promise<void> {
  await scheduleJob(db, orgId, usageSeenJob, now);
}
