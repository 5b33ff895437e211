import { randomUUID } from "node:crypto";
import { hourMs } from "@flowstate/shared/time";
import { listOrgs } from "../orgs/orgs.ts";
import { hasDueJob, leaseJob, readDueAt, releaseJob, scheduleJob, type Job } from "../store/jobs.ts";
import { runNudges, type NudgeServices } from "./run.ts";

const jobName = "nudges";
const pollMs = 60_000;
const leaseMs = 600_000;
const retryMs = 300_000;

/** Looks each hour at where the people of every organisation stand, until `signal` aborts. */
export async function watchStanding(
  services: NudgeServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const { store, clock } = services;
  const owner = randomUUID();
  while (!signal.aborted) {
    try {
      await scheduleNew(services);
      while (!signal.aborted && (await hasDueJob(store.reader, clock.now(), jobName))) {
        const now = clock.now();
        const job = await store.transact((db) => leaseJob(db, { owner, now, leaseMs }, jobName));
        if (job === null) break;
        await runTurn(services, job, owner);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
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

async function scheduleNew({ store, clock }: NudgeServices): Promise<void> {
  for (const { orgId } of await listOrgs(store.reader)) {
    const job = { orgId, name: jobName };
    if ((await readDueAt(store.reader, job)) !== null) continue;
    await store.transact(async (db) => {
      if ((await readDueAt(db, job)) === null) await scheduleJob(db, orgId, jobName, clock.now());
    });
  }
}
