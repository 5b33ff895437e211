import { hash } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import type { Writer } from "../store/open.ts";

/** Failed attempts in a window after which further ones are refused, right password or not. */
const allowed = { email: 10, address: 50 } as const;
const windowMs = 15 * 60_000;

export interface Attempt {
  readonly orgId: OrgId;
  /** Null where nothing is tried that could be guessed: only the address counts. */
  readonly email: string | null;
  /** The client's IP address. */
  readonly address: string;
  readonly now: number;
}

export type Admission = { readonly ok: true } | { readonly ok: false; readonly retryAfterSeconds: number };

/**
 * Counts an attempt as failed before its password is looked at, so that many at once do not slip through, and refuses
 * it when this e-mail or this address has failed too often. The counts are in the database and so hold on every
 * control plane.
 */
export async function admitAttempt(db: Writer, attempt: Attempt): Promise<Admission> {
  const { orgId, now } = attempt;
  await db
    .deleteFrom("sign_in_failures")
    .where("window_started_at", "<=", now - windowMs)
    .execute();
  for (const { bucket, most } of bucketsOf(attempt)) {
    const { failures, window_started_at } = await db
      .insertInto("sign_in_failures")
      .values({ org_id: orgId, bucket, failures: 1n, window_started_at: now })
      .onConflict((on) =>
        on.columns(["org_id", "bucket"]).doUpdateSet((row) => ({
          failures: row("sign_in_failures.failures", "+", 1n),
        })),
      )
      .returning(["failures", "window_started_at"])
      .executeTakeFirstOrThrow();
    if (failures > most) {
      return { ok: false, retryAfterSeconds: Math.ceil((window_started_at + windowMs - now) / 1000) };
    }
  }
  return { ok: true };
}

/** The attempt was no failure: it is taken back from the address, and the e-mail's failures are forgotten. */
export async function forgive(db: Writer, attempt: Attempt): Promise<void> {
  const { email, address } = bucketNames(attempt);
  await db
    .updateTable("sign_in_failures")
    .set((row) => ({ failures: row("failures", "-", 1n) }))
    .where("org_id", "=", attempt.orgId)
    .where("bucket", "=", address)
    .execute();
  if (email === null) return;
  await db
    .deleteFrom("sign_in_failures")
    .where("org_id", "=", attempt.orgId)
    .where("bucket", "=", email)
    .execute();
}

/** In one order always, so that two attempts do not wait for each other. */
function bucketsOf(attempt: Attempt): readonly { readonly bucket: string; readonly most: number }[] {
  const { email, address } = bucketNames(attempt);
  return [
    { bucket: address, most: allowed.address },
    ...(email === null ? [] : [{ bucket: email, most: allowed.email }]),
  ];
}

/** Hashed, because what people mistype into the e-mail field is often a password. */
function bucketNames({ email, address }: Attempt) {
  const name = (kind: string, value: string): string =>
    `${kind}:${hash("sha256", value, "hex").slice(0, 32)}`;
  return { email: email === null ? null : name("email", email), address: name("address", address) };
}
