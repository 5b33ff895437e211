import { projectOf } from "../attribute/project.ts";
import { callSet } from "../normalise/call-set.ts";
import type { Sighting } from "../normalise/sighting.ts";
import { discover } from "../observe/files/discover.ts";
import { readLog } from "../observe/files/read.ts";
import { sourcesOf, type Home } from "../observe/files/sources.ts";
import { bucketsOf } from "./buckets.ts";
import { readSnapshot, stateOf, writeSnapshot, type Snapshot } from "./cache.ts";

export interface ScanOptions {
  readonly machine: Home;
  /** Where the last result is kept; null keeps none. */
  readonly snapshotFile: string | null;
  readonly onProgress?: (done: number, all: number) => void;
}

/** Everything the tools' logs on this machine tell of, each call once. A log that cannot be opened counts as broken. */
export async function scan({ machine, snapshotFile, onProgress }: ScanOptions): Promise<Snapshot> {
  const files = discover(sourcesOf(machine));
  const state = stateOf(files);
  const kept = snapshotFile === null ? null : readSnapshot(snapshotFile, state);
  if (kept !== null) return kept;

  const calls = callSet();
  let broken = 0;
  for (const [done, file] of files.entries()) {
    onProgress?.(done, files.length);
    try {
      const reading = await readLog(file);
      broken += reading.broken;
      for (const sighting of reading.sightings) calls.add(withoutRequests(sighting));
    } catch {
      broken += 1;
    }
  }
  onProgress?.(files.length, files.length);
  const labels = new Map<string, string>();
  const projectLabel = (cwd: string): string => {
    const label = labels.get(cwd) ?? projectOf(cwd).label;
    labels.set(cwd, label);
    return label;
  };
  const snapshot = { buckets: bucketsOf(calls.calls(), projectLabel), broken };
  if (snapshotFile !== null) writeSnapshot(snapshotFile, state, snapshot);
  return snapshot;
}

/** A request id joins a call to what other sources saw of it; logs join by the message id, and there are many calls. */
function withoutRequests(sighting: Sighting): Sighting {
  const aliases = sighting.aliases.filter((alias) => !alias.startsWith("req_"));
  return aliases.length === sighting.aliases.length ? sighting : { ...sighting, aliases };
}
