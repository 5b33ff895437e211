import { setImmediate as breathe } from "node:timers/promises";
import type { Clock } from "@flowstate/shared/clock";
import { dateOf, dayMs } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { nextNight } from "../insights/forecast/refresh.ts";
import { releaseJob, renewLease, type Job } from "../store/jobs.ts";
import type { Store } from "../store/open.ts";
import { watchJobs } from "../store/watch-jobs.ts";
import { agingRows, deleteOldest, type Aging, type Step } from "./retention.ts";

export interface RetentionServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly retentionDays: number;
}

/** The job that deletes each night what has been kept for long enough. */
export const retentionJob = "signal-retention";

const leaseMs = 600_000;
const retryMs = 3_600_000;
/** Rows that one transaction deletes, give or take those of a day: everything else goes on between two. */
const stepRows = 1000;

/** Deletes old signals, and what they were drawn from, of every organisation each night, until `signal` aborts. */
export function watchRetention(
  services: RetentionServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  return watchJobs(
    services,
    {
      name: retentionJob,
      pollMs: 600_000,
      leaseMs,
      firstDueAt: nextNight,
      run: (job, owner) => runNight(services, job, owner, signal),
    },
    signal,
    onError,
  );
}

async function runNight(
  services: RetentionServices,
  job: Job,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, retentionDays } = services;
  const { orgId } = job;
  const before = Math.floor(clock.now() / dayMs) * dayMs - retentionDays * dayMs;
  try {
    const deleted: string[] = [];
    for (const aging of agingRows) {
      const rows = await deleteAll(services, { job, owner, before, signal }, aging);
      if (rows > 0) deleted.push(`${rows} ${aging.what}`);
    }
    const now = clock.now();
    await store.transact(async (db) => {
      const dueAt = signal.aborted ? now : nextNight(now);
      await releaseJob(db, job, owner, { dueAt, error: null });
      if (deleted.length === 0) return;
      const detail = `from before ${dateOf(before)}: ${deleted.join(", ")}`;
      await recordAudit(db, { orgId, at: now, actor: "system", action: "signals.expired", detail });
    });
  } catch (error) {
    const again = { dueAt: clock.now() + retryMs, error: String(error) };
    await store.transact((db) => releaseJob(db, job, owner, again));
    throw error;
  }
}

interface Night {
  readonly job: Job;
  readonly owner: string;
  readonly before: number;
  readonly signal: AbortSignal;
}

/** How many rows of the table were deleted, until none is old, another one has taken over, or this program stops. */
async function deleteAll(
  { store, clock }: RetentionServices,
  { job, owner, before, signal }: Night,
  aging: Aging,
): Promise<number> {
  let total = 0;
  let isLast = false;
  while (!isLast && !signal.aborted) {
    const step = await store.transact(async (db): Promise<Step> => {
      const isHeld = await renewLease(db, job, { owner, now: clock.now(), leaseMs });
      if (!isHeld) return { rows: 0, isLast: true };
      return deleteOldest(db, job.orgId, aging, { before, most: stepRows });
    });
    total += step.rows;
    isLast = step.isLast;
    await breathe();
  }
  return total;
}
