import { openSqlite } from "@flowstate/shared/sqlite";
import { callSchema, callTable, type CallTable } from "./calls.ts";
import { formatSchema, formatTable, type FormatTable } from "./formats.ts";
import { logSchema, logTable, type LogTable } from "./logs.ts";

/**
 * What the agent knows of this machine's calls. It, and not the logs, is the truth: a tool that deletes or rewrites its
 * logs changes nothing here, and a log read twice adds nothing.
 */
export interface Ledger extends Disposable {
  readonly calls: CallTable;
  readonly logs: LogTable;
  readonly formats: FormatTable;
  /** Does all of `work` or nothing. */
  transact(work: () => void): void;
}

/** Pages kept in memory, in KiB: what is asked for is mostly what was just written, and the daemon is to stay small. */
const cacheKib = 1024;

export function openLedger(file: string): Ledger {
  const db = openSqlite(file, {});
  db.pragma(`cache_size = -${cacheKib}`);
  db.exec(callSchema + logSchema + formatSchema);
  return {
    calls: callTable(db),
    logs: logTable(db),
    formats: formatTable(db),
    transact: (work) => db.transaction(work)(),
    [Symbol.dispose]: () => void db.close(),
  };
}
