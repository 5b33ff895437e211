import { existsSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import type { Store, Writer } from "../store/open.ts";
import { clientSecretOwner } from "../login/oidc/client-secret.ts";
import { credentialsOwner } from "../providers/credentials.ts";
import { destinationOwner } from "../signals/delivery/owner.ts";
import { canaryOwner, proveMasterKey } from "./canary.ts";
import {
  ownFile,
  readMasterKey,
  syncFolder,
  writeNewKey,
  type MasterKey,
  type MasterKeySource,
} from "./master-key.ts";
import { pepperOwner } from "./pepper.ts";
import { rewrap, type Sealed } from "./seal.ts";

const owners = { canary: canaryOwner, pepper: pepperOwner } as const;

/**
 * Wraps every sealed secret of the installation under another master key, in one transaction: after it the old key
 * opens nothing, before it the new one does not. Returns how many secrets there were.
 */
export async function rewrapAll(store: Store, from: MasterKey, to: MasterKey): Promise<number> {
  if (from.id === to.id) throw new FlowstateError("FS_CONFLICT", "this master key is in use already");
  return store.transact(async (db) => {
    let count = 0;
    for (const [name, owner] of Object.entries(owners)) {
      const row = await db
        .selectFrom("installation")
        .select("value")
        .where("name", "=", name)
        .executeTakeFirstOrThrow();
      const value = rewrap(row.value as Sealed, owner, from, to);
      await db.updateTable("installation").set({ value }).where("name", "=", name).execute();
      count += 1;
    }
    const providers = await db
      .selectFrom("usage_providers")
      .select(["org_id", "provider_id", "sealed_credentials"])
      .where("sealed_credentials", "is not", null)
      .execute();
    for (const { org_id: orgId, provider_id: providerId, sealed_credentials: sealed } of providers) {
      const owner = credentialsOwner(orgId, providerId);
      await db
        .updateTable("usage_providers")
        .set({ sealed_credentials: rewrap(sealed as Sealed, owner, from, to) })
        .where("org_id", "=", orgId)
        .where("provider_id", "=", providerId)
        .execute();
      count += 1;
    }
    const destinations = await db
      .selectFrom("signal_destinations")
      .select(["org_id", "destination_id", "sealed"])
      .where("sealed", "is not", null)
      .execute();
    for (const { org_id: orgId, destination_id: destinationId, sealed } of destinations) {
      const owner = destinationOwner(orgId, destinationId);
      await db
        .updateTable("signal_destinations")
        .set({ sealed: rewrap(sealed as Sealed, owner, from, to) })
        .where("org_id", "=", orgId)
        .where("destination_id", "=", destinationId)
        .execute();
      count += 1;
    }
    const clients = await db.selectFrom("oidc_settings").select(["org_id", "sealed_secret"]).execute();
    for (const { org_id: orgId, sealed_secret: sealed } of clients) {
      await db
        .updateTable("oidc_settings")
        .set({ sealed_secret: rewrap(sealed as Sealed, clientSecretOwner(orgId), from, to) })
        .where("org_id", "=", orgId)
        .execute();
      count += 1;
    }
    return count;
  });
}

/** Where a rotation leaves the key until the database is wrapped under it. */
const nextOf = (source: MasterKeySource): string => `${ownFile(source)}.next`;

/**
 * Makes a new key in the data folder and wraps everything under it. The new key is on the disk before the database
 * needs it and takes its place after, so that a kill at any point leaves a database that one of the two files opens.
 */
export async function rotateOwnKey(store: Store, source: MasterKeySource, from: MasterKey): Promise<number> {
  const next = nextOf(source);
  // One that is there already is of a rotation that was killed or is under way; the link keeps it, and both use it.
  writeNewKey(next);
  const to = readMasterKey(next);
  const count = await rewrapAll(store, from, to);
  putInPlace(source, to);
  return count;
}

/** Another program may have done it meanwhile. */
function putInPlace(source: MasterKeySource, master: MasterKey): void {
  const own = ownFile(source);
  if (readMasterKey(own).id === master.id) return;
  renameSync(nextOf(source), own);
  syncFolder(dirname(own));
}

/** Brings a rotation to its end that was killed after the database had been wrapped; null where there is none. */
export async function finishRotation(store: Store, source: MasterKeySource): Promise<MasterKey | null> {
  const next = nextOf(source);
  if (source.inline !== null || source.file !== null || !existsSync(next)) return null;
  const master = readMasterKey(next);
  try {
    await proveMasterKey(store, master);
  } catch (error) {
    if (!isFlowstateError(error)) throw error;
    return null;
  }
  putInPlace(source, master);
  return master;
}

/** Throws FS_MASTER_KEY where the key was rotated since this process started: what it would seal could not be opened. */
export async function requireCurrentKey(db: Writer, master: MasterKey): Promise<void> {
  // The update that changes nothing holds the row, so that no rotation slips in before this transaction ends.
  const row = await db
    .updateTable("installation")
    .set({ name: "canary" })
    .where("name", "=", "canary")
    .returning("value")
    .executeTakeFirst();
  if (row === undefined || row.value.split(":")[1] === master.id) return;
  throw new FlowstateError("FS_MASTER_KEY", "the master key was rotated: restart the control plane");
}
