import type { OrgId } from "@flowstate/shared/ids";
import { orgId } from "@flowstate/shared/ids";
import type { Reader, Writer } from "./open.ts";

/** A piece of background work that this process holds until the lease runs out. */
export interface Job {
  readonly orgId: OrgId;
  readonly name: string;
  /** Failures in a row before this attempt. */
  readonly failures: number;
}

/** Makes the job due at `dueAt`, or changes when it is due. A lease that is held stays held. */
export async function scheduleJob(db: Writer, orgId: OrgId, name: string, dueAt: number): Promise<void> {
  await db
    .insertInto("jobs")
    .values({
      org_id: orgId,
      name,
      due_at: dueAt,
      lease_owner: null,
      lease_expires_at: null,
      failures: 0n,
      last_error: null,
    })
    .onConflict((on) => on.columns(["org_id", "name"]).doUpdateSet({ due_at: dueAt }))
    .execute();
}

/** Makes the job due at `dueAt`, unless it has failed and waits for its next attempt. */
export async function hastenJob(db: Writer, orgId: OrgId, name: string, dueAt: number): Promise<void> {
  await db
    .insertInto("jobs")
    .values({
      org_id: orgId,
      name,
      due_at: dueAt,
      lease_owner: null,
      lease_expires_at: null,
      failures: 0n,
      last_error: null,
    })
    .onConflict((on) =>
      on.columns(["org_id", "name"]).doUpdateSet({ due_at: dueAt }).where("jobs.failures", "=", 0n),
    )
    .execute();
}

export async function cancelJob(db: Writer, orgId: OrgId, name: string): Promise<void> {
  await db.deleteFrom("jobs").where("org_id", "=", orgId).where("name", "=", name).execute();
}

export interface Lease {
  /** Names the process, so that only the holder ends the lease. */
  readonly owner: string;
  readonly now: number;
  readonly leaseMs: number;
}

/** Takes the job that has been due longest and that nobody holds, or null. A lease that ran out is free again. */
export async function leaseJob(
  db: Writer,
  { owner, now, leaseMs }: Lease,
  namePrefix = "",
): Promise<Job | null> {
  const due = await dueJobs(db, now, namePrefix);
  for (const { org_id, name } of due) {
    const taken = await db
      .updateTable("jobs")
      .set({ lease_owner: owner, lease_expires_at: now + leaseMs })
      .where("org_id", "=", org_id)
      .where("name", "=", name)
      .where("due_at", "<=", now)
      .where((where) =>
        where.or([where("lease_expires_at", "is", null), where("lease_expires_at", "<=", now)]),
      )
      .returning(["org_id", "name", "failures"])
      .executeTakeFirst();
    if (taken !== undefined) {
      return { orgId: orgId(taken.org_id), name: taken.name, failures: Number(taken.failures) };
    }
  }
  return null;
}

/** Takes that job whether it is due or not, unless somebody holds it; null then, or when there is none. */
export async function leaseJobNamed(
  db: Writer,
  orgId: OrgId,
  name: string,
  { owner, now, leaseMs }: Lease,
): Promise<Job | null> {
  const taken = await db
    .updateTable("jobs")
    .set({ lease_owner: owner, lease_expires_at: now + leaseMs })
    .where("org_id", "=", orgId)
    .where("name", "=", name)
    .where((where) => where.or([where("lease_expires_at", "is", null), where("lease_expires_at", "<=", now)]))
    .returning("failures")
    .executeTakeFirst();
  return taken === undefined ? null : { orgId, name, failures: Number(taken.failures) };
}

/**
 * Holds the job for longer. False when it was lost meanwhile; the caller must then change nothing more. Called in the
 * transaction of each step, it also makes sure that two holders never write at once.
 */
export async function renewLease(
  db: Writer,
  job: Pick<Job, "orgId" | "name">,
  { owner, now, leaseMs }: Lease,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("jobs")
    .set({ lease_expires_at: now + leaseMs })
    .where("org_id", "=", job.orgId)
    .where("name", "=", job.name)
    .where("lease_owner", "=", owner)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** When the job is due, which may have been set anew while somebody holds it; null when it is gone. */
export async function readDueAt(
  db: Reader,
  { orgId, name }: Pick<Job, "orgId" | "name">,
): Promise<number | null> {
  const row = await db
    .selectFrom("jobs")
    .select("due_at")
    .where("org_id", "=", orgId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row?.due_at ?? null;
}

/** Whether some job of that prefix is due and free, for a look that takes no lock. */
export async function hasDueJob(db: Reader, now: number, namePrefix: string): Promise<boolean> {
  return (await dueJobs(db, now, namePrefix)).length > 0;
}

async function dueJobs(db: Reader, now: number, namePrefix: string) {
  return db
    .selectFrom("jobs")
    .select(["org_id", "name"])
    .where("due_at", "<=", now)
    .where((where) => where.or([where("lease_expires_at", "is", null), where("lease_expires_at", "<=", now)]))
    .where("name", "like", `${namePrefix}%`)
    .orderBy("due_at")
    .orderBy("org_id")
    .orderBy("name")
    .limit(20)
    .execute();
}

/** Gives the job back and sets when it is due next. Returns false when the lease was lost meanwhile. */
export async function releaseJob(
  db: Writer,
  job: Job,
  owner: string,
  { dueAt, error }: { readonly dueAt: number; readonly error: string | null },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("jobs")
    .set({
      due_at: dueAt,
      lease_owner: null,
      lease_expires_at: null,
      failures: error === null ? 0n : BigInt(job.failures + 1),
      last_error: error,
    })
    .where("org_id", "=", job.orgId)
    .where("name", "=", job.name)
    .where("lease_owner", "=", owner)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
