import { discover } from "../observe/files/discover.ts";
import { readLog } from "../observe/files/read.ts";
import { sourcesOf, type Home } from "../observe/files/sources.ts";
import type { Ledger } from "./ledger.ts";

export interface TailReport {
  /** Logs that were read because they are new or have changed. */
  readonly read: number;
  /** Lines that no reader understood, and logs that could not be opened. */
  readonly broken: number;
}

/**
 * Looks at every log once and reads those that have changed since they were last read. A log that is half written is
 * read again when it grows: the ledger makes one call of both readings.
 */
export async function tailLogs(
  machine: Home,
  ledger: Ledger,
  now: () => number,
  signal: AbortSignal,
): Promise<TailReport> {
  let read = 0;
  let broken = 0;
  for (const file of discover(sourcesOf(machine))) {
    if (signal.aborted) break;
    const state = `${file.device}.${file.inode}.${file.size}.${file.modifiedMs}`;
    if (ledger.isRead(file.path, state)) continue;
    try {
      const reading = await readLog(file);
      ledger.noteLog(file.path, state, reading.sightings, now());
      broken += reading.broken;
      read += 1;
    } catch {
      broken += 1;
    }
  }
  return { read, broken };
}
