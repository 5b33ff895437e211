import { hostname } from "node:os";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import { newUuid } from "@flowstate/shared/ids";
import { renewLease, type Job, type Lease } from "../store/jobs.ts";
import type { Store, Writer } from "../store/open.ts";

/** A process holds a sync for so long without a sign of life before another may take it. */
const leaseMs = 2 * 60_000;

const owner = `${hostname()}/${process.pid}/${newUuid()}`;

/** This process's claim to a job, from now on. */
export function leaseOf({ clock }: { readonly clock: Clock }): Lease {
  return { owner, now: clock.now(), leaseMs };
}

/** A job that this process holds, and holds on to until it is disposed of. */
export interface HeldJob extends Disposable {
  /** Aborts when the caller stops or the lease is lost. */
  readonly signal: AbortSignal;
  /** Comes first in every transaction of the work; throws FS_CONFLICT once another process has taken over. */
  hold(db: Writer): Promise<void>;
}

export function holdJob(
  services: { readonly store: Store; readonly clock: Clock },
  job: Job,
  signal: AbortSignal,
): HeldJob {
  const lost = new AbortController();
  const error = new FlowstateError(
    "FS_CONFLICT",
    "the sync was taken over by another process, or its provider removed",
  );
  const hold = async (db: Writer): Promise<void> => {
    if (await renewLease(db, job, leaseOf(services))) return;
    lost.abort(error);
    throw error;
  };
  // A vendor may keep us waiting for minutes between two transactions. A beat that fails is made up for by the next.
  const heartbeat = setInterval(() => void services.store.transact(hold).catch(() => undefined), leaseMs / 4);
  return {
    signal: AbortSignal.any([signal, lost.signal]),
    hold,
    [Symbol.dispose]: () => clearInterval(heartbeat),
  };
}
