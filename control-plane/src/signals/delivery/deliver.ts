import type { Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, hourMs } from "@flowstate/shared/time";
import { recordAudit } from "../../audit/record.ts";
import type { Events } from "../../events.ts";
import type { MasterKey } from "../../secrets/master-key.ts";
import { cancelJob, releaseJob, renewLease, type Job } from "../../store/jobs.ts";
import type { Reader, Store, Writer } from "../../store/open.ts";
import { deliveryJobs, openDestination, signingSecrets, type DestinationSecrets } from "./destinations.ts";
import { renderEvent, type DeliveryFormat, type SignalEvent } from "./payload.ts";
import type { Post, Posted } from "./post.ts";
import { signatureHeaders } from "./sign.ts";

export interface DeliveryServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly master: MasterKey;
  readonly events: Events;
  readonly post: Post;
}

export const leaseMs = 60_000;
/** After so long a delivery is given up. */
const lifeMs = 3 * dayMs;
/** Waits after the first failure in a row, the second, and so on; the last one for all that follow. */
const waitsMs = [5000, 60_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000];
const longestWaitMs = dayMs;
/** A paused destination is looked at so often, or when it is resumed. */
const pausedRestMs = hourMs;

type Failure = Exclude<Posted, { kind: "accepted" }>;

/**
 * Delivers what waits for one destination, the oldest first, until nothing is left or one attempt fails; then the
 * destination rests. At least once: a receiver that took a body and could not say so gets it again, under the same id.
 */
export async function deliverWaiting(
  services: DeliveryServices,
  job: Job,
  owner: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, master, events, post } = services;
  const { orgId } = job;
  const destinationId = job.name.slice(deliveryJobs.length);
  const destination = await openDestination(store.reader, orgId, destinationId, master);
  if (destination === null) return store.transact((db) => forget(db, job, destinationId));
  await giveUpOld(services, orgId, destinationId);
  let failure: Failure | null = null;
  let failures = job.failures;
  while (failure === null && !signal.aborted) {
    const next = await nextDelivery(store.reader, orgId, destinationId);
    if (next === null) break;
    const event = JSON.parse(next.event) as SignalEvent;
    const delivery = { deliveryId: next.deliveryId, event };
    const posted = await sendEvent(post, destination, delivery, clock.now(), signal);
    // A stop of this process is no failure of theirs: another one tries again.
    if (signal.aborted && posted.kind === "unreachable") break;
    events.signalDelivered(posted.kind);
    if (posted.kind === "accepted") failures = 0;
    else failure = posted;
    const held = await store.transact(async (db) => {
      if (!(await renewLease(db, job, { owner, now: clock.now(), leaseMs }))) return false;
      await settle(db, { orgId, destinationId, deliveryId: next.deliveryId, now: clock.now() }, posted);
      return true;
    });
    if (!held) return;
  }
  await store.transact((db) => giveBack(db, services, { job, owner, destinationId, failure, failures }));
}

interface Round {
  readonly job: Job;
  readonly owner: string;
  readonly destinationId: string;
  readonly failure: Failure | null;
  /** Failures in a row before this one. */
  readonly failures: number;
}

/** The lock on the job makes whoever writes a delivery at this moment wait, or their delivery is there to be seen. */
async function giveBack(
  db: Writer,
  { clock }: DeliveryServices,
  { job, owner, destinationId, failure, failures }: Round,
): Promise<void> {
  if (!(await renewLease(db, job, { owner, now: clock.now(), leaseMs }))) return;
  if (failure !== null) {
    const dueAt = clock.now() + restAfter(failure, failures);
    await releaseJob(db, { ...job, failures }, owner, { dueAt, error: failure.reason });
    return;
  }
  const left = await db
    .selectFrom("signal_deliveries as delivery")
    .innerJoin("signal_destinations as destination", (join) =>
      join
        .onRef("destination.org_id", "=", "delivery.org_id")
        .onRef("destination.destination_id", "=", "delivery.destination_id"),
    )
    .select("destination.paused_at")
    .where("delivery.org_id", "=", job.orgId)
    .where("delivery.destination_id", "=", destinationId)
    .limit(1)
    .executeTakeFirst();
  if (left === undefined) return cancelJob(db, job.orgId, job.name);
  // Of a paused one only what is too old is given up.
  const restMs = left.paused_at === null ? 0 : pausedRestMs;
  await releaseJob(db, job, owner, { dueAt: clock.now() + restMs, error: null });
}

/** How long a destination rests after so many failures in a row; as long as it asks for, within a day. */
export function restAfter(failure: Failure, failures: number): number {
  const usualMs = waitsMs[Math.min(failures, waitsMs.length - 1)] ?? 0;
  const askedMs = failure.kind === "refused" ? (failure.retryAfterMs ?? 0) : 0;
  return Math.min(longestWaitMs, Math.max(usualMs, askedMs));
}

interface Waiting {
  readonly deliveryId: string;
  readonly event: string;
}

/** The next one; none while the destination is paused. Those that failed before come after those that did not, so that none holds up the others. */
async function nextDelivery(db: Reader, orgId: OrgId, destinationId: string): Promise<Waiting | null> {
  const row = await db
    .selectFrom("signal_deliveries as delivery")
    .innerJoin("signal_destinations as destination", (join) =>
      join
        .onRef("destination.org_id", "=", "delivery.org_id")
        .onRef("destination.destination_id", "=", "delivery.destination_id"),
    )
    .select(["delivery.delivery_id as deliveryId", "delivery.event"])
    .where("delivery.org_id", "=", orgId)
    .where("delivery.destination_id", "=", destinationId)
    .where("destination.paused_at", "is", null)
    .orderBy("delivery.attempts")
    .orderBy("delivery.created_at")
    .orderBy("delivery.delivery_id")
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

async function giveUpOld(
  { store, clock, events }: DeliveryServices,
  orgId: OrgId,
  destinationId: string,
): Promise<void> {
  const now = clock.now();
  const given = await store.transact(async (db) => {
    const { numDeletedRows } = await db
      .deleteFrom("signal_deliveries")
      .where("org_id", "=", orgId)
      .where("destination_id", "=", destinationId)
      .where("created_at", "<", now - lifeMs)
      .executeTakeFirst();
    if (numDeletedRows > 0n) {
      await recordAudit(db, {
        orgId,
        at: now,
        actor: "system",
        action: "signal_delivery.given_up",
        target: destinationId,
        detail: `${numDeletedRows} after three days`,
      });
    }
    return Number(numDeletedRows);
  });
  if (given > 0) events.signalDelivered("given_up", given);
}

/** Removed while a delivery was on its way into the outbox. */
async function forget(db: Writer, { orgId, name }: Job, destinationId: string): Promise<void> {
  await db
    .deleteFrom("signal_deliveries")
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .execute();
  await cancelJob(db, orgId, name);
}

/** Sends one event in the way that the destination wants it. */
export async function sendEvent(
  post: Post,
  destination: DestinationSecrets & { readonly format: DeliveryFormat },
  { deliveryId, event }: { readonly deliveryId: string; readonly event: SignalEvent },
  now: number,
  signal: AbortSignal,
): Promise<Posted> {
  const { url, authorization, format } = destination;
  const body = renderEvent(format, event);
  const headers = {
    ...signatureHeaders(deliveryId, now, body, signingSecrets(destination, now)),
    ...(authorization === null ? {} : { authorization: authorization.reveal() }),
  };
  return post(url, headers, body, signal);
}

interface Attempt {
  readonly orgId: OrgId;
  readonly destinationId: string;
  readonly deliveryId: string;
  readonly now: number;
}

async function settle(
  db: Writer,
  { orgId, destinationId, deliveryId, now }: Attempt,
  posted: Posted,
): Promise<void> {
  const accepted = posted.kind === "accepted";
  const own = db
    .deleteFrom("signal_deliveries")
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .where("delivery_id", "=", deliveryId);
  if (accepted) await own.execute();
  else {
    await db
      .updateTable("signal_deliveries")
      .set((row) => ({ attempts: row("attempts", "+", 1n) }))
      .where("org_id", "=", orgId)
      .where("destination_id", "=", destinationId)
      .where("delivery_id", "=", deliveryId)
      .execute();
  }
  await db
    .updateTable("signal_destinations")
    .set(accepted ? { last_delivered_at: now, last_error: null } : { last_error: posted.reason })
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .execute();
}
