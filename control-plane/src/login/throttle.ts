import { hash } from "node:crypto";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Reader, Writer } from "../store/open.ts";

/** Failed attempts in a window after which further ones are refused, right password or not. */
const allowed = { email: 10, address: 50 } as const;
const windowMs = 15 * 60_000;

export interface Attempt {
  readonly orgId: OrgId;
  readonly email: string;
  /** The client's IP address. */
  readonly address: string;
  readonly now: number;
}

/** Throws FS_RATE_LIMITED when this e-mail or this address has failed too often. */
export async function refuseIfThrottled(db: Reader, attempt: Attempt): Promise<void> {
  const limits = bucketsOf(attempt);
  const rows = await db
    .selectFrom("sign_in_failures")
    .select(["bucket", "failures", "window_started_at"])
    .where("org_id", "=", attempt.orgId)
    .where("bucket", "in", [...limits.keys()])
    .where("window_started_at", ">", attempt.now - windowMs)
    .execute();
  const full = rows.find(({ bucket, failures }) => failures >= (limits.get(bucket) ?? 0));
  if (full === undefined) return;
  const retryAfterSeconds = Math.ceil((full.window_started_at + windowMs - attempt.now) / 1000);
  throw new FlowstateError("FS_RATE_LIMITED", "too many failed attempts to sign in", {
    details: { retryAfterSeconds },
  });
}

/** Counts a failure in the database, so that it counts on every control plane. */
export async function countFailure(db: Writer, attempt: Attempt): Promise<void> {
  const { orgId, now } = attempt;
  await db
    .deleteFrom("sign_in_failures")
    .where("window_started_at", "<=", now - windowMs)
    .execute();
  for (const bucket of [...bucketsOf(attempt).keys()].sort()) {
    await db
      .insertInto("sign_in_failures")
      .values({ org_id: orgId, bucket, failures: 1n, window_started_at: now })
      .onConflict((on) =>
        on.columns(["org_id", "bucket"]).doUpdateSet((row) => ({
          failures: row("sign_in_failures.failures", "+", 1n),
        })),
      )
      .execute();
  }
}

/** A right password forgives the e-mail's failures, not the address's. */
export async function forgive(db: Writer, attempt: Attempt): Promise<void> {
  const [email = ""] = bucketsOf(attempt).keys();
  await db
    .deleteFrom("sign_in_failures")
    .where("org_id", "=", attempt.orgId)
    .where("bucket", "=", email)
    .execute();
}

/** Hashed, because what people mistype into the e-mail field is often a password. */
function bucketsOf({ email, address }: Attempt): ReadonlyMap<string, number> {
  const name = (kind: string, value: string): string =>
    `${kind}:${hash("sha256", value, "hex").slice(0, 32)}`;
  return new Map([
    [name("email", email), allowed.email],
    [name("address", address), allowed.address],
  ]);
}
