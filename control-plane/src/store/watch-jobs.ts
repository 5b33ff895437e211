import { randomUUID } from "node:crypto";
import type { Clock } from "@flowstate/shared/clock";
import { listOrgs } from "../orgs/orgs.ts";
import { hasDueJob, leaseJob, readDueAt, scheduleJob, type Job } from "./jobs.ts";
import type { Store } from "./open.ts";

/** A job that every organisation has one of, done by whichever control plane leases it first. */
export interface RecurringJob {
  readonly name: string;
  readonly pollMs: number;
  readonly leaseMs: number;
  /** When it is due in an organisation that has none yet. */
  readonly firstDueAt: (now: number) => number;
  /** Does it, and gives the lease back with the time when it is due next. */
  readonly run: (job: Job, owner: string) => Promise<unknown>;
}

/** Does the job wherever it is due, until `signal` aborts. */
export async function watchJobs(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  { name, pollMs, leaseMs, firstDueAt, run }: RecurringJob,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const owner = randomUUID();
  while (!signal.aborted) {
    try {
      await scheduleMissing(store, name, firstDueAt(clock.now()));
      while (!signal.aborted && (await hasDueJob(store.reader, clock.now(), name))) {
        const now = clock.now();
        const job = await store.transact((db) => leaseJob(db, { owner, now, leaseMs }, name));
        if (job === null) break;
        await run(job, owner);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
}

async function scheduleMissing(store: Store, name: string, dueAt: number): Promise<void> {
  for (const { orgId } of await listOrgs(store.reader)) {
    if ((await readDueAt(store.reader, { orgId, name })) !== null) continue;
    await store.transact(async (db) => {
      if ((await readDueAt(db, { orgId, name })) === null) await scheduleJob(db, orgId, name, dueAt);
    });
  }
}
