import { discover } from "../observe/files/discover.ts";
import { sourcesOf, type Home } from "../observe/files/sources.ts";
import { readSnapshot, stateOf, writeSnapshot, type Snapshot } from "./cache.ts";

export interface ScanOptions {
  readonly machine: Home;
  /** Where the last result is kept. */
  readonly snapshotFile: string;
  readonly onProgress?: (done: number, all: number) => void;
}

/** Everything the tools' logs on this machine tell of; from the last result where no log has changed since. */
export async function scan({ machine, snapshotFile, onProgress }: ScanOptions): Promise<Snapshot> {
  const files = discover(sourcesOf(machine));
  const state = stateOf(files);
  const kept = readSnapshot(snapshotFile, state);
  if (kept !== null) return kept;
  // Loaded only when there is something to read.
  const { collect } = await import("./collect.ts");
  const snapshot = await collect(files, onProgress);
  writeSnapshot(snapshotFile, state, snapshot);
  return snapshot;
}
