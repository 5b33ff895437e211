import { Secret } from "@flowstate/shared/secret";
import type { Store } from "../store/open.ts";
import type { MasterKey } from "./master-key.ts";
import { seal, unseal, type Sealed, type SealedFor } from "./seal.ts";

export const pepperOwner: SealedFor = { orgId: "installation", record: "pepper" };
const name = "pepper";

/**
 * The master key with the pepper that this database's hashes were made with: the one of its first master key, which
 * stays sealed in the database, so that rotating the master key leaves every access key valid.
 */
export async function withKeptPepper(store: Store, master: MasterKey): Promise<MasterKey> {
  const found = await store.reader
    .selectFrom("installation")
    .select("value")
    .where("name", "=", name)
    .executeTakeFirst();
  if (found !== undefined) {
    const text = unseal(found.value as Sealed, pepperOwner, master).reveal();
    return { ...master, pepper: Buffer.from(text, "base64") };
  }
  const sealed = seal(new Secret(master.pepper.toString("base64")), pepperOwner, master);
  await store.transact(async (db) => {
    await db
      .insertInto("installation")
      .values({ name, value: sealed })
      .onConflict((on) => on.column("name").doNothing())
      .execute();
  });
  return withKeptPepper(store, master);
}
