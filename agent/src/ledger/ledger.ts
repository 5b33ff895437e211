import { openSqlite } from "@flowstate/shared/sqlite";
import { version } from "../version.ts";
import { callSchema, callTable, type CallTable } from "./calls.ts";
import { formatSchema, formatTable, type FormatTable } from "./formats.ts";
import { logSchema, logTable, type LogTable } from "./logs.ts";
import { settledSchema } from "./settled.ts";

/**
 * What the agent knows of this machine's calls. It, and not the logs, is the truth: a tool that deletes or rewrites its
 * logs changes nothing here, and a log read twice adds nothing. Calls that nothing new has been heard of for long are
 * settled: of them nothing stays but the keys of their names.
 */
export interface Ledger extends Disposable {
  readonly calls: CallTable;
  readonly logs: LogTable;
  readonly formats: FormatTable;
  /** Forgets what the index still holds of accounts whose calls are gone. */
  sweep(): void;
  /** Gives a part of what is free back to the disk; false where nothing is left to give. */
  shrink(): boolean;
  /** Does all of `work` or nothing. */
  transact(work: () => void): void;
}

/** Pages kept in memory, in KiB: what is asked for is mostly what was just written, and the daemon is to stay small. */
const cacheKib = 256;
/** A few milliseconds of work. */
const pagesAtOnce = 256;

export interface LedgerOptions {
  /** Called whenever a call or a count was kept. */
  readonly onNews?: () => void;
  /** The version that counts how far formats are understood, and reads again what another did not understand. */
  readonly agentVersion?: string;
}

export function openLedger(
  file: string,
  { onNews = () => undefined, agentVersion = version }: LedgerOptions = {},
): Ledger {
  const db = openSqlite(file, { shrinks: true, cacheKib });
  db.exec(callSchema + settledSchema + logSchema + formatSchema);
  // An account that a larger one has replaced leaves its place in the index behind.
  const dropAccounts = db.prepare("DELETE FROM call_account WHERE id NOT IN (SELECT id FROM call)");
  const calls = callTable(db);
  const formats = formatTable(db, agentVersion);
  return {
    calls: {
      ...calls,
      note(sightings, now) {
        calls.note(sightings, now);
        if (sightings.length > 0) onNews();
      },
    },
    logs: logTable(db, agentVersion),
    formats: {
      ...formats,
      add(capture, counts, now) {
        formats.add(capture, counts, now);
        if (counts.length > 0) onNews();
      },
    },
    sweep: () => void dropAccounts.run(),
    shrink() {
      db.pragma(`incremental_vacuum(${pagesAtOnce})`);
      return Number(db.pragma("freelist_count", { simple: true })) > 0;
    },
    transact: (work) => db.transaction(work)(),
    [Symbol.dispose]: () => void db.close(),
  };
}
