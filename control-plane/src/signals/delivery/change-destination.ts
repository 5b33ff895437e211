import { FlowstateError } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";
import { dayMs } from "@flowstate/shared/time";
import { recordAudit } from "../../audit/record.ts";
import type { MasterKey } from "../../secrets/master-key.ts";
import { requireCurrentKey } from "../../secrets/rotate.ts";
import { scheduleJob } from "../../store/jobs.ts";
import type { Writer } from "../../store/open.ts";
import { deliveryJobs, openDestination, sealDestination, type DestinationChange } from "./destinations.ts";
import { newSigningSecret } from "./sign.ts";

/** So long the secret before it signs as well, for receivers to be given the new one. */
const overlapMs = dayMs;

/**
 * Delivers nothing there until it is resumed; what waits meanwhile is kept for three days, as for a receiver that cannot
 * be reached. The same again changes nothing. Throws FS_NOT_FOUND.
 */
export async function pauseDestination(
  db: Writer,
  { orgId, actor, now }: DestinationChange,
  destinationId: string,
  paused: boolean,
): Promise<void> {
  const { name, paused_at } = await requireDestination(db, orgId, destinationId);
  if ((paused_at !== null) === paused) return;
  await db
    .updateTable("signal_destinations")
    .set({ paused_at: paused ? now : null })
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .execute();
  if (!paused) await scheduleJob(db, orgId, `${deliveryJobs}${destinationId}`, now);
  const action = paused ? "signal_destination.paused" : "signal_destination.resumed";
  await recordAudit(db, { orgId, at: now, actor, action, target: name });
}

/**
 * Makes a new signing secret and returns it, shown this once. For a day signatures are made with both, as Standard
 * Webhooks allows; of a secret that was still in its day nothing is left. Throws FS_NOT_FOUND.
 */
export async function rotateSigningSecret(
  db: Writer,
  { orgId, actor, now }: DestinationChange,
  destinationId: string,
  master: MasterKey,
): Promise<Secret> {
  await requireCurrentKey(db, master);
  const { name } = await requireDestination(db, orgId, destinationId);
  const secrets = await openDestination(db, orgId, destinationId, master);
  if (secrets === null) throw missing();
  const secret = newSigningSecret();
  const until = now + overlapMs;
  const old = { secret: secrets.signing, until };
  await db
    .updateTable("signal_destinations")
    .set({
      sealed: sealDestination({ ...secrets, signing: secret, old }, orgId, destinationId, master),
      old_secret_ends_at: until,
    })
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .execute();
  const detail = `the old one signs as well until ${new Date(until).toISOString()}`;
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "signal_destination.secret_rotated",
    target: name,
    detail,
  });
  return secret;
}

/** The update that changes nothing holds the row, so that two changes follow each other. */
async function requireDestination(db: Writer, orgId: DestinationChange["orgId"], destinationId: string) {
  const row = await db
    .updateTable("signal_destinations")
    .set({ org_id: orgId })
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .where("removed_at", "is", null)
    .returning(["name", "paused_at"])
    .executeTakeFirst();
  if (row === undefined) throw missing();
  return row;
}

function missing(): FlowstateError {
  return new FlowstateError("FS_NOT_FOUND", "there is no destination with that id");
}
