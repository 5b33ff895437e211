import { randomUUID } from "node:crypto";
import type { Clock } from "@flowstate/shared/clock";
import { addMonths, parsePeriod, periodOf, type Period } from "@flowstate/shared/time";
import { billingChangedJobs } from "../billing/changed.ts";
import {
  cancelJob,
  hasDueJob,
  leaseJob,
  readDueAt,
  releaseJob,
  renewLease,
  scheduleJob,
  type Job,
} from "../store/jobs.ts";
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
          const turn = await takeTurn(store, clock.now(), owner, prefix);
          if (turn === null) break;
          await reconcileFor(store, clock, turn, owner, prefix);
        }
      } catch (error) {
        onError(error);
      }
    }
    await clock.sleep(pollMs, signal);
  }
}

interface Turn {
  readonly job: Job;
  readonly takenAt: number;
  /** When it is due while it is held: what changes meanwhile sets it due at another time. */
  readonly heldUntil: number;
}

async function takeTurn(store: Store, now: number, owner: string, prefix: string): Promise<Turn | null> {
  const heldUntil = now + leaseMs;
  return store.transact(async (db) => {
    const job = await leaseJob(db, { owner, now, leaseMs }, prefix);
    if (job === null) return null;
    await scheduleJob(db, job.orgId, job.name, heldUntil);
    return { job, takenAt: now, heldUntil };
  });
}

/** A change near a month's edge may concern the lines of the month before it. */
async function reconcileFor(
  store: Store,
  clock: Clock,
  { job, takenAt, heldUntil }: Turn,
  owner: string,
  prefix: string,
): Promise<void> {
  const { orgId } = job;
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
    // The lock on the job: who changes something from here on sets it due after this has been written.
    if (!(await renewLease(db, job, { owner, now: clock.now(), leaseMs }))) return;
    const dueAt = await readDueAt(db, job);
    if (dueAt === null || dueAt === heldUntil) await cancelJob(db, orgId, job.name);
    else await releaseJob(db, job, owner, { dueAt, error: null });
  });
}

function concerned(period: Period, now: number): readonly Period[] {
  const before = addMonths(period, -1);
  return period > periodOf(now) ? [period] : [before, period];
}
