import { randomUUID } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { listOrgs } from "../orgs/orgs.ts";
import { leaseJobNamed, readDueAt, releaseJob, renewLease, scheduleJob, type Job } from "../store/jobs.ts";
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
        const turn = await takeTurn(services, orgId, owner);
        if (turn !== null) await runTurn(services, turn, owner);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
}

interface Turn {
  readonly job: Job;
  /** When it was due: what is told meanwhile sets it due anew. */
  readonly dueAt: number | null;
}

async function takeTurn({ store, clock }: RunServices, orgId: OrgId, owner: string): Promise<Turn | null> {
  const name = usageSeenJob;
  const now = clock.now();
  const known = await readDueAt(store.reader, { orgId, name });
  if (known !== null && known > now) return null;
  return store.transact(async (db) => {
    if (known === null) await scheduleJob(db, orgId, name, now);
    const job = await leaseJobNamed(db, orgId, name, { owner, now, leaseMs });
    return job === null ? null : { job, dueAt: await readDueAt(db, job) };
  });
}

async function runTurn({ store, clock }: RunServices, { job, dueAt }: Turn, owner: string): Promise<void> {
  const startedAt = clock.now();
  try {
    await runDetectors({ store, clock }, job.orgId);
  } catch (error) {
    const again = { dueAt: clock.now() + retryMs, error: String(error) };
    await store.transact((db) => releaseJob(db, job, owner, again));
    throw error;
  }
  await store.transact(async (db) => {
    // The lock on the job: who tells something from here on sets it due after this has been written.
    if (!(await renewLease(db, job, { owner, now: clock.now(), leaseMs }))) return;
    const due = await readDueAt(db, job);
    const next = due === dueAt ? startedAt + restMs : startedAt;
    await releaseJob(db, job, owner, { dueAt: next, error: null });
  });
}
