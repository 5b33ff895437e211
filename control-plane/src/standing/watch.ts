import { hourMs } from "@flowstate/shared/time";
import { releaseJob, type Job } from "../store/jobs.ts";
import { watchJobs } from "../store/watch-jobs.ts";
import { runNudges, type NudgeServices } from "./run.ts";

const retryMs = 300_000;

/** Looks each hour at where the people of every organisation stand, until `signal` aborts. */
export function watchStanding(
  services: NudgeServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  return watchJobs(
    services,
    {
      name: "nudges",
      pollMs: 60_000,
      leaseMs: 600_000,
      firstDueAt: (now) => now,
      run: (job, owner) => runTurn(services, job, owner),
    },
    signal,
    onError,
  );
}

async function runTurn(services: NudgeServices, job: Job, owner: string): Promise<void> {
  const { store, clock } = services;
  const release = (dueAt: number, error: string | null) =>
    store.transact((db) => releaseJob(db, job, owner, { dueAt, error }));
  try {
    await runNudges(services, job.orgId);
  } catch (error) {
    await release(clock.now() + retryMs, String(error));
    throw error;
  }
  await release(clock.now() + hourMs, null);
}
