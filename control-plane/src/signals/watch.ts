import { randomUUID } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { listOrgs } from "../orgs/orgs.ts";
import { leaseJobNamed, readDueAt, releaseJob, scheduleJob, type Job } from "../store/jobs.ts";
import { usageSeenJob } from "../usage/changed.ts";
import { runDetectors, type RunServices } from "./run.ts";

/** However often calls come, an organisation is looked at once in so long. */
const pollMs = 60_000;
const leaseMs = 900_000;
const retryMs = 300_000;
/** Proxies and providers tell things that leave no job, so this much later it is looked at in any case. */
const restMs = 900_000;

/** Runs every organisation's detectors after its calls have changed, and each night, until `signal` aborts. */
export async function watchSignals(
  services: RunServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const { store, clock } = services;
  const owner = randomUUID();
  while (!signal.aborted) {
    try {
      for (const { orgId } of await listOrgs(store.reader)) {
        if (signal.aborted) return;
        const job = await takeDue(services, orgId, owner);
        if (job !== null) await runJob(services, job, owner);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
}

async function takeDue({ store, clock }: RunServices, orgId: OrgId, owner: string): Promise<Job | null> {
  const name = usageSeenJob;
  const now = clock.now();
  const dueAt = await readDueAt(store.reader, { orgId, name });
  if (dueAt !== null && dueAt > now) return null;
  return store.transact(async (db) => {
    if (dueAt === null) await scheduleJob(db, orgId, name, now);
    return leaseJobNamed(db, orgId, name, { owner, now, leaseMs });
  });
}

async function runJob({ store, clock }: RunServices, job: Job, owner: string): Promise<void> {
  const takenAt = clock.now();
  try {
    await runDetectors({ store, clock }, job.orgId);
  } catch (error) {
    const dueAt = clock.now() + retryMs;
    await store.transact((db) => releaseJob(db, job, owner, { dueAt, error: String(error) }));
    throw error;
  }
  await store.transact(async (db) => {
    // Calls that came meanwhile have set it due again; those before it began are in it.
    const newer = ((await readDueAt(db, job)) ?? 0) >= takenAt;
    const dueAt = newer ? takenAt : takenAt + restMs;
    await releaseJob(db, job, owner, { dueAt, error: null });
  });
}
