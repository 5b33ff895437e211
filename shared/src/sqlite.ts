import Database from "better-sqlite3";
import { FlowstateError, systemCode, type ErrorCode } from "./errors.ts";

export type Sqlite = Database.Database;

/**
 * Opens a database with the house settings: WAL, foreign keys, five seconds of patience for another writer, and a page
 * cache of 2 MB unless `cacheKib` says otherwise, where better-sqlite3 is built with 16: a daemon keeps what it has taken.
 * `durable` makes a commit survive a power cut (`synchronous=FULL`); without it, it survives `kill -9`. A database that
 * is made with `shrinks` can give back what was deleted (`PRAGMA incremental_vacuum`).
 */
export function openSqlite(
  file: string,
  {
    durable = false,
    readOnly = false,
    shrinks = false,
    cacheKib = 2000,
    whenCorrupt = "FS_FILE_CORRUPT",
  }: SqliteOptions = {},
): Sqlite {
  let db: Sqlite | undefined;
  try {
    db = new Database(file, { readonly: readOnly, timeout: 5000 });
    if (!readOnly) {
      // Heard only before anything is written to a new file.
      if (shrinks) db.pragma("auto_vacuum = INCREMENTAL");
      db.pragma("journal_mode = WAL");
      db.pragma(`synchronous = ${durable ? "FULL" : "NORMAL"}`);
    }
    db.pragma("foreign_keys = ON");
    db.pragma(`cache_size = -${cacheKib}`);
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return db;
  } catch (error) {
    db?.close();
    throw describeSqliteError(error, file, whenCorrupt);
  }
}

/** FS_STORE_CORRUPT for the control plane's own store, of which there are backups; FS_FILE_CORRUPT for all others. */
export type WhenCorrupt = Extract<ErrorCode, "FS_FILE_CORRUPT" | "FS_STORE_CORRUPT">;

interface SqliteOptions {
  durable?: boolean;
  readOnly?: boolean;
  shrinks?: boolean;
  cacheKib?: number;
  whenCorrupt?: WhenCorrupt;
}

/** A database failure as one sentence that names the file and what to do. Anything else is returned as it is. */
export function describeSqliteError(
  error: unknown,
  file: string,
  whenCorrupt: WhenCorrupt = "FS_FILE_CORRUPT",
): unknown {
  const code = systemCode(error);
  if (code === null || !(code.startsWith("SQLITE_") || error instanceof TypeError)) return error;
  if (code === "SQLITE_NOTADB" || code.startsWith("SQLITE_CORRUPT")) {
    return new FlowstateError(whenCorrupt, `${file} is damaged or no SQLite database; it was left as it is`, {
      cause: error,
    });
  }
  const reason =
    code === "SQLITE_FULL"
      ? "the disk is full"
      : code.startsWith("SQLITE_READONLY") || code === "SQLITE_CANTOPEN" || code.startsWith("SQLITE_PERM")
        ? "it cannot be opened for writing"
        : code;
  return new FlowstateError("FS_STORAGE", `${file}: ${reason}`, { cause: error });
}
