import { statSync, utimesSync } from "node:fs";
import type { ProxySnapshot } from "@flowstate/shared/wire/push";
import { readSnapshotFile, writeSnapshotFile } from "./snapshot-file.ts";

/** The last snapshot, and when the control plane was last heard: kept on disk, so that a restart knows both. */
export interface SnapshotKeeper {
  /** What the disk had at the start. */
  readonly kept: { readonly snapshot: ProxySnapshot; readonly heardAt: number } | null;
  keep(snapshot: ProxySnapshot): void;
  /** Notes that the snapshot is still the present one. */
  heard(at: number): void;
}

const noteMs = 60_000;

/** `onTrouble` is told once a snapshot cannot be written; serving goes on from memory. */
export function createSnapshotKeeper(file: string, onTrouble: (what: string) => void): SnapshotKeeper {
  const kept = readSnapshotFile(file);
  let notedAt = 0;
  return {
    kept: kept.ok ? { snapshot: kept.value, heardAt: statSync(file).mtimeMs } : null,
    keep(snapshot) {
      try {
        writeSnapshotFile(file, snapshot);
      } catch (error) {
        onTrouble(`the key snapshot cannot be kept on disk: ${(error as Error).message}`);
      }
    },
    heard(at) {
      if (at - notedAt < noteMs) return;
      notedAt = at;
      try {
        utimesSync(file, at / 1000, at / 1000);
      } catch {
        // There is no file yet, or it cannot be written, which `keep` says.
      }
    },
  };
}
