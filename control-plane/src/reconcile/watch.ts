import { randomUUID } from "node:crypto";
import type { Clock } from "@flowstate/shared/clock";
import { addMonths, parsePeriod, periodOf, type Period } from "@flowstate/shared/time";
import { billingChangedJobs } from "../billing/changed.ts";
import { cancelJob, hasDueJob, leaseJob, releaseJob, type Job } from "../store/jobs.ts";
import type { Store } from "../store/open.ts";
import { usageChangedJobs } from "../usage/changed.ts";
import { reconcileJobs } from "./act.ts";
import { reconcilePeriod } from "./run.ts";

const pollMs = 1000;
const leaseMs = 120_000;
const retryMs = 30_000;
const prefixes = [billingChangedJobs, usageChangedJobs, reconcileJobs] as const;

/** Matches months anew after their bills or calls have changed, until `signal` aborts. */
export async function watchReconciliation(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const owner = randomUUID();
  while (!signal.aborted) {
    for (const prefix of prefixes) {
      try {
        while (!signal.aborted && (await hasDueJob(store.reader, clock.now(), prefix))) {
          const now = clock.now();
          const job = await store.transact((db) => leaseJob(db, { owner, now, leaseMs }, prefix));
          if (job === null) break;
          await reconcileFor(store, clock, job, owner, prefix);
        }
      } catch (error) {
        onError(error);
      }
    }
    await clock.sleep(pollMs, signal);
  }
}

/** A change near a month's edge may concern the lines of the month before it. */
async function reconcileFor(
  store: Store,
  clock: Clock,
  job: Job,
  owner: string,
  prefix: string,
): Promise<void> {
  const { orgId } = job;
  const takenAt = clock.now();
  const parsed = parsePeriod(job.name.slice(prefix.length));
  try {
    const periods = parsed.ok ? concerned(parsed.value, takenAt) : [];
    for (const period of periods) await reconcilePeriod(store, { orgId, period, now: clock.now() });
  } catch (error) {
    const dueAt = clock.now() + retryMs;
    await store.transact((db) => releaseJob(db, job, owner, { dueAt, error: String(error) }));
    throw error;
  }
  await store.transact(async (db) => {
    const newer = await db
      .selectFrom("jobs")
      .select("due_at")
      .where("org_id", "=", orgId)
      .where("name", "=", job.name)
      .where("due_at", ">=", takenAt)
      .executeTakeFirst();
    if (newer === undefined) await cancelJob(db, orgId, job.name);
    else await releaseJob(db, job, owner, { dueAt: newer.due_at, error: null });
  });
}

function concerned(period: Period, now: number): readonly Period[] {
  const before = addMonths(period, -1);
  return period > periodOf(now) ? [period] : [before, period];
}
