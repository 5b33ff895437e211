import { openSqlite } from "@flowstate/shared/sqlite";
import type { Call } from "../normalise/merge.ts";

export interface LedgerCall {
  readonly call: Call;
  /** The conversation that was found for a call whose tool names none; null where none had to be. */
  readonly session: string | null;
}

/** Every call in a ledger, beside a daemon that writes to it. */
export function readLedger(file: string): readonly LedgerCall[] {
  const db = openSqlite(file, { readOnly: true });
  try {
    const rows = db.prepare("SELECT body, session FROM call").all() as {
      body: string;
      session: string | null;
    }[];
    return rows.map(({ body, session }) => ({ call: JSON.parse(body) as Call, session }));
  } finally {
    db.close();
  }
}
