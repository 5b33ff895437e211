import { randomUUID } from "node:crypto";
import { hasDueJob, leaseJob } from "../../store/jobs.ts";
import { deliverWaiting, leaseMs, type DeliveryServices } from "./deliver.ts";
import { deliveryJobs } from "./destinations.ts";

const pollMs = 1000;

/** Delivers what waits in the outboxes, one destination at a time, until `signal` aborts. */
export async function watchDeliveries(
  services: DeliveryServices,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<void> {
  const { store, clock } = services;
  const owner = randomUUID();
  while (!signal.aborted) {
    try {
      while (!signal.aborted && (await hasDueJob(store.reader, clock.now(), deliveryJobs))) {
        const lease = { owner, now: clock.now(), leaseMs };
        const job = await store.transact((db) => leaseJob(db, lease, deliveryJobs));
        if (job === null) break;
        await deliverWaiting(services, job, owner, signal);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pollMs, signal);
  }
}
