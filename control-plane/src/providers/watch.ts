import { isFlowstateError } from "@flowstate/shared/errors";
import { hasDueJob, leaseJob } from "../store/jobs.ts";
import { syncJobs } from "./integrations.ts";
import { leaseOf } from "./lease.ts";
import { syncDue, type SyncServices } from "./sync.ts";

const pollMs = 1000;
/** Vendors are slow and each has its own pace: so many are pulled side by side. */
const atOnce = 4;

/** Pulls what is due until `signal` aborts, then waits for the pulls under way to stop. */
export async function watchProviders(
  services: SyncServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const running = new Set<Promise<void>>();
  while (!signal.aborted) {
    try {
      await startDue(services, running, signal, onError);
    } catch (error) {
      onError(error);
    }
    await services.clock.sleep(pollMs, signal);
  }
  await Promise.all(running);
}

async function startDue(
  services: SyncServices,
  running: Set<Promise<void>>,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const { store, clock } = services;
  while (running.size < atOnce && (await hasDueJob(store.reader, clock.now(), syncJobs))) {
    const job = await store.transact((db) => leaseJob(db, leaseOf(services), syncJobs));
    if (job === null) return;
    // A vendor's failure stands with the integration and in the log already.
    const sync: Promise<void> = syncDue(services, job, signal)
      .catch((error: unknown) => (signal.aborted || isFlowstateError(error) ? undefined : onError(error)))
      .finally(() => running.delete(sync));
    running.add(sync);
  }
}
