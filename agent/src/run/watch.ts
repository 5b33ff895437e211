import { existsSync, statfsSync, watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "@flowstate/shared/clock";
import { untilNext } from "@flowstate/shared/time";

/** Tells when it is time to look at the logs again. */
export interface LogWatch extends Disposable {
  /** Folders to watch from now on, and folders that are to appear, as when a tool is used for the first time. */
  cover(folders: readonly string[], awaited: readonly string[]): void;
  /**
   * Resolves when something has changed, or when it is time for a sweep, and never before `pollMs`: an active tool would
   * otherwise keep us busy. `isShort` where something is to be tried again whether or not it changes.
   */
  rest(signal: AbortSignal, isShort: boolean): Promise<void>;
}

/** Polls between two looks for folders that are to appear: once a minute, as it is configured at first. */
const awaitPolls = 12;

export interface WatchOptions {
  readonly clock: Clock;
  readonly pollMs: number;
  /** Longest time between two looks where the system tells of changes: it may miss some. */
  readonly sweepMs: number;
  readonly platform?: NodeJS.Platform;
}

/**
 * Watches folders. Where the system cannot tell of every change (a network file system, too many watches) the logs are
 * looked at every `pollMs` instead.
 */
export function watchLogs({ clock, pollMs, sweepMs, platform = process.platform }: WatchOptions): LogWatch {
  const watchers = new Map<string, FSWatcher>();
  const recursive = platform !== "linux";
  let isBlind = false;
  let isDirty = false;
  let missing: readonly string[] = [];
  let wake = (): void => undefined;
  const onChange = (): void => {
    isDirty = true;
    wake();
  };
  const start = (folder: string): void => {
    if (isOnNetwork(folder, platform)) {
      isBlind = true;
      return;
    }
    try {
      const watcher = watch(folder, { persistent: false, recursive }, onChange);
      watchers.set(folder, watcher);
      watcher.on("error", () => {
        stop(folder);
        onChange();
      });
    } catch {
      isBlind = true;
    }
  };
  const stop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };

  return {
    cover(folders, awaited) {
      missing = awaited;
      const all = new Set(folders);
      const wanted = recursive ? new Set(folders.filter((folder) => !isBelow(folder, all))) : all;
      isBlind = false;
      for (const folder of watchers.keys()) if (!wanted.has(folder)) stop(folder);
      for (const folder of wanted) {
        if (watchers.has(folder)) continue;
        start(folder);
        // What appeared in it before it was watched is not told of.
        isDirty = true;
      }
    },
    async rest(signal, isShort) {
      const woken = new AbortController();
      wake = () => woken.abort();
      await clock.sleep(pollMs, signal);
      const either = AbortSignal.any([signal, woken.signal]);
      const isTime = (): boolean =>
        isShort || isBlind || isDirty || either.aborted || missing.some((folder) => existsSync(folder));
      for (let restedMs = pollMs; restedMs < sweepMs && !isTime();) {
        const stepMs = untilNext(awaitPolls * pollMs, clock.now());
        restedMs += stepMs;
        await clock.sleep(stepMs, either);
      }
      isDirty = false;
    },
    [Symbol.dispose]() {
      for (const folder of watchers.keys()) stop(folder);
    },
  };
}

function isBelow(folder: string, others: ReadonlySet<string>): boolean {
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) if (others.has(at)) return true;
  return false;
}

/** File systems on which another machine may write without this one being told (Linux `statfs(2)`). */
const networkTypes = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x65735546, // FUSE
  0x01021997, // 9P, as virtual machines share folders
]);

function isOnNetwork(folder: string, platform: NodeJS.Platform): boolean {
  if (platform !== "linux") return false;
  try {
    return networkTypes.has(statfsSync(folder).type);
  } catch {
    return true;
  }
}
