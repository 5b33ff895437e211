import { mkdirSync } from "node:fs";
import type { Clock } from "@flowstate/shared/clock";
import type { Config } from "../config.ts";
import { openStore, type Store } from "../store/open.ts";
import { proveMasterKey } from "./canary.ts";
import { loadMasterKey, type MasterKey, type MasterKeySource } from "./master-key.ts";
import { withKeptPepper } from "./pepper.ts";
import { finishRotation } from "./rotate.ts";

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
  const given = loadMasterKey(config.masterKey);
  const store = await openStore(config.store, clock);
  try {
    const proven = await provenKey(store, config.masterKey, given);
    const master = await withKeptPepper(store, proven);
    return { store, master, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

async function provenKey(store: Store, source: MasterKeySource, given: MasterKey): Promise<MasterKey> {
  try {
    await proveMasterKey(store, given);
    return given;
  } catch (error) {
    const rotated = await finishRotation(store, source);
    if (rotated === null) throw error;
    return rotated;
  }
}
