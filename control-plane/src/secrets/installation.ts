import { mkdirSync } from "node:fs";
import type { Clock } from "@flowstate/shared/clock";
import type { Config } from "../config.ts";
import { openStore, type Store } from "../store/open.ts";
import { proveMasterKey } from "./canary.ts";
import { loadMasterKey, type MasterKey } from "./master-key.ts";

/** The store together with the master key that is proven to belong to it. */
export interface Installation extends AsyncDisposable {
  readonly store: Store;
  readonly master: MasterKey;
}

export async function openInstallation(
  config: Pick<Config, "dataDir" | "masterKey" | "store">,
  clock: Clock,
): Promise<Installation> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const master = loadMasterKey(config.masterKey);
  const store = await openStore(config.store, clock);
  try {
    await proveMasterKey(store, master);
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
  return { store, master, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}
