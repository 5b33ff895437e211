import { hash } from "node:crypto";
import type { Sqlite } from "@flowstate/shared/sqlite";

/** Names of settled calls: they were told for the last time, and whoever tells of them again is not heard. */
export interface SettledNames {
  has(name: string): boolean;
  add(names: readonly string[]): void;
}

/** Eight bytes a name. Ten million names make two of them equal by chance three times in a million. */
export const settledSchema = "CREATE TABLE IF NOT EXISTS settled_name (key INTEGER PRIMARY KEY) STRICT;";

export function settledNames(db: Sqlite): SettledNames {
  const find = db.prepare("SELECT 1 FROM settled_name WHERE key = ?").pluck();
  const write = db.prepare("INSERT OR IGNORE INTO settled_name (key) VALUES (?)");
  return {
    has: (name) => find.get(keyOf(name)) !== undefined,
    add(names) {
      for (const name of names) write.run(keyOf(name));
    },
  };
}

function keyOf(name: string): bigint {
  return hash("sha256", name, "buffer").readBigInt64BE(0);
}
