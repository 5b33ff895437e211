import { FlowstateError } from "@flowstate/shared/errors";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { Secret } from "@flowstate/shared/secret";
import { recordAudit } from "../../audit/record.ts";
import type { MasterKey } from "../../secrets/master-key.ts";
import { requireCurrentKey } from "../../secrets/rotate.ts";
import { seal, unseal, type Sealed } from "../../secrets/seal.ts";
import { cancelJob } from "../../store/jobs.ts";
import type { Reader, Writer } from "../../store/open.ts";
import type { SignalCategory, SignalSeverity } from "../types.ts";
import { destinationOwner } from "./owner.ts";
import type { DeliveryFormat } from "./payload.ts";
import { newSigningSecret } from "./sign.ts";

/** A destination as people may see it. */
export interface Destination {
  readonly destinationId: string;
  readonly name: string;
  readonly format: DeliveryFormat;
  readonly host: string;
  readonly minSeverity: SignalSeverity;
  /** Null for every one. */
  readonly categories: readonly SignalCategory[] | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly lastDeliveredAt: number | null;
  readonly lastError: string | null;
  /** Since when nothing is delivered there; null where it is. */
  readonly pausedAt: number | null;
  /** Until when the signing secret before the present one signs as well; null before the first rotation. */
  readonly oldSecretUntil: number | null;
  /** Deliveries that wait for their turn or for another attempt. */
  readonly waiting: number;
}

export interface NewDestination {
  readonly name: string;
  readonly url: string;
  readonly format: DeliveryFormat;
  readonly minSeverity: SignalSeverity;
  readonly categories: readonly SignalCategory[] | null;
  /** The value of the Authorization header that the receiver wants; null for none. */
  readonly authorization: string | null;
}

/** What a delivery needs and nobody may see. */
export interface DestinationSecrets {
  readonly url: URL;
  readonly signing: Secret;
  /** The signing secret before it, which signs as well for a while. */
  readonly old: { readonly secret: Secret; readonly until: number } | null;
  readonly authorization: Secret | null;
}

export interface DestinationChange {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

/** Each one more makes every signal a row more. */
const mostDestinations = 20;
/** Jobs that deliver to one destination, named `signal-delivery/01J…`. */
export const deliveryJobs = "signal-delivery/";

/** Adds a destination and returns its signing secret, which is shown this once. Throws FS_INPUT_INVALID, FS_CONFLICT. */
export async function addDestination(
  db: Writer,
  { orgId, actor, now }: DestinationChange,
  given: NewDestination,
  master: MasterKey,
): Promise<{ readonly destinationId: string; readonly secret: Secret }> {
  const name = given.name.trim();
  if (name === "" || name.length > 100) throw invalid("name takes 1 to 100 characters");
  if (given.categories?.length === 0) throw invalid("categories: name one or more, or leave them out");
  const url = parseDestinationUrl(given.url);
  if (!url.ok) throw invalid(`url: ${url.detail}`);
  const authorization = given.authorization?.trim() || null;
  // Visible characters and single blanks: what a header may hold (RFC 9110, 5.5).
  if (authorization !== null && !/^[\x21-\x7e](?:[\x20-\x7e]{0,2000}[\x21-\x7e])?$/.test(authorization)) {
    throw invalid("authorization takes up to 2000 visible ASCII characters, for example `Bearer …`");
  }
  await requireCurrentKey(db, master);
  const others = await db
    .selectFrom("signal_destinations")
    .select("name")
    .where("org_id", "=", orgId)
    .where("removed_at", "is", null)
    .execute();
  if (others.some((other) => other.name === name)) {
    throw new FlowstateError("FS_CONFLICT", `there is a destination named "${name}" already`);
  }
  if (others.length >= mostDestinations) throw invalid(`at most ${mostDestinations} destinations`);
  const destinationId = newId(now);
  const secret = newSigningSecret();
  const secrets = {
    url: url.value,
    signing: secret,
    old: null,
    authorization: authorization === null ? null : new Secret(authorization),
  };
  await db
    .insertInto("signal_destinations")
    .values({
      org_id: orgId,
      destination_id: destinationId,
      name,
      format: given.format,
      host: url.value.host,
      sealed: sealDestination(secrets, orgId, destinationId, master),
      min_severity: given.minSeverity,
      categories: given.categories === null ? null : JSON.stringify(given.categories),
      created_at: now,
      created_by: actor,
      last_delivered_at: null,
      last_error: null,
      removed_at: null,
      paused_at: null,
      old_secret_ends_at: null,
    })
    .execute();
  const detail = `${given.format} to ${url.value.host}, from ${given.minSeverity}`;
  await recordAudit(db, { orgId, at: now, actor, action: "signal_destination.added", target: name, detail });
  return { destinationId, secret };
}

/** An https address without credentials; where it may lead is decided when it is resolved. */
export function parseDestinationUrl(text: string): Parsed<URL, "not_https" | "not_plain"> {
  const url = text.length <= 2000 && URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== "https:") {
    return refuse("not_https", "expected an https:// address of at most 2000 characters");
  }
  if (url.username !== "" || url.password !== "" || url.hash !== "") {
    return refuse("not_plain", "expected no user, password or fragment in it; use authorization instead");
  }
  return ok(url);
}

/** Forgets the secrets and what was still to be delivered. False where there is none of that id. */
export async function removeDestination(
  db: Writer,
  { orgId, actor, now }: DestinationChange,
  destinationId: string,
): Promise<boolean> {
  const removed = await db
    .updateTable("signal_destinations")
    .set({ removed_at: now, sealed: null })
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .where("removed_at", "is", null)
    .returning("name")
    .executeTakeFirst();
  if (removed === undefined) return false;
  await db
    .deleteFrom("signal_deliveries")
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .execute();
  await cancelJob(db, orgId, `${deliveryJobs}${destinationId}`);
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "signal_destination.removed",
    target: removed.name,
  });
  return true;
}

export async function listDestinations(db: Reader, orgId: OrgId): Promise<readonly Destination[]> {
  const rows = await db
    .selectFrom("signal_destinations")
    .selectAll()
    .select((row) =>
      row
        .selectFrom("signal_deliveries")
        .select(({ fn }) => fn.countAll<bigint>().as("waiting"))
        .whereRef("signal_deliveries.org_id", "=", "signal_destinations.org_id")
        .whereRef("signal_deliveries.destination_id", "=", "signal_destinations.destination_id")
        .as("waiting"),
    )
    .where("org_id", "=", orgId)
    .where("removed_at", "is", null)
    .orderBy("name")
    .execute();
  return rows.map((row) => ({
    destinationId: row.destination_id,
    name: row.name,
    format: row.format,
    host: row.host,
    minSeverity: row.min_severity,
    categories: row.categories === null ? null : (JSON.parse(row.categories) as SignalCategory[]),
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastDeliveredAt: row.last_delivered_at,
    lastError: row.last_error,
    pausedAt: row.paused_at,
    oldSecretUntil: row.old_secret_ends_at,
    waiting: Number(row.waiting ?? 0n),
  }));
}

/** How and with what to deliver; null once it is removed. */
export async function openDestination(
  db: Reader,
  orgId: OrgId,
  destinationId: string,
  master: MasterKey,
): Promise<(DestinationSecrets & { readonly format: DeliveryFormat }) | null> {
  const row = await db
    .selectFrom("signal_destinations")
    .select(["format", "sealed"])
    .where("org_id", "=", orgId)
    .where("destination_id", "=", destinationId)
    .executeTakeFirst();
  if (row === undefined || row.sealed === null) return null;
  const clear = unseal(row.sealed as Sealed, destinationOwner(orgId, destinationId), master).reveal();
  const { url, signing, old, authorization } = JSON.parse(clear) as Clear;
  return {
    format: row.format,
    url: new URL(url),
    signing: new Secret(signing),
    old: old == null ? null : { secret: new Secret(old.secret), until: old.until },
    authorization: authorization === null ? null : new Secret(authorization),
  };
}

/** What to sign with now, the present secret first. */
export function signingSecrets(
  { signing, old }: Pick<DestinationSecrets, "signing" | "old">,
  now: number,
): readonly [Secret, ...Secret[]] {
  return old !== null && now < old.until ? [signing, old.secret] : [signing];
}

/** What is sealed, as JSON. */
interface Clear {
  readonly url: string;
  readonly signing: string;
  readonly old?: { readonly secret: string; readonly until: number } | null;
  readonly authorization: string | null;
}

export function sealDestination(
  { url, signing, old, authorization }: DestinationSecrets,
  orgId: OrgId,
  destinationId: string,
  master: MasterKey,
): Sealed {
  const clear: Clear = {
    url: url.href,
    signing: signing.reveal(),
    old: old === null ? null : { secret: old.secret.reveal(), until: old.until },
    authorization: authorization?.reveal() ?? null,
  };
  return seal(new Secret(JSON.stringify(clear)), destinationOwner(orgId, destinationId), master);
}

function invalid(sentence: string): FlowstateError {
  return new FlowstateError("FS_INPUT_INVALID", sentence);
}
