import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { Secret } from "@flowstate/shared/secret";
import type { Sqlite } from "@flowstate/shared/sqlite";
import type { Store } from "../store/open.ts";
import type { MasterKey } from "./master-key.ts";
import { seal, unseal, type Sealed } from "./seal.ts";

export const canaryOwner = { orgId: "installation", record: "canary" };
const name = "canary";

/**
 * Proves that the master key is the one this database was written with, by opening a value that the first start
 * sealed. Without it, a wrong key would show only as refused credentials.
 */
export async function proveMasterKey(store: Store, master: MasterKey): Promise<void> {
  const found = await store.reader
    .selectFrom("installation")
    .select("value")
    .where("name", "=", name)
    .executeTakeFirst();
  if (found !== undefined) {
    requireOpens(found.value as Sealed, master);
    return;
  }
  await store.transact(async (db) => {
    await db
      .insertInto("installation")
      .values({ name, value: seal(new Secret("canary"), canaryOwner, master) })
      .onConflict((on) => on.column("name").doNothing())
      .execute();
  });
  await proveMasterKey(store, master);
}

/** The same for a copy that is no store yet. */
export function proveCopy(copy: Sqlite, master: MasterKey): void {
  const value = copy.prepare("SELECT value FROM installation WHERE name = ?").pluck().get(name);
  if (typeof value === "string") requireOpens(value as Sealed, master);
}

function requireOpens(canary: Sealed, master: MasterKey): void {
  try {
    unseal(canary, canaryOwner, master);
  } catch (error) {
    if (!isFlowstateError(error)) throw error;
    throw new FlowstateError("FS_MASTER_KEY", "this database was written with another master key", {
      cause: error,
    });
  }
}
