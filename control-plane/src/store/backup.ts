import Database from "better-sqlite3";
import {
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  mkdirSync,
} from "node:fs";
import { dirname } from "node:path";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import { describeSqliteError, openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import type { Store, StoreAddress } from "./open.ts";

/** Copies the database with SQLite's online backup, while others read and write it. */
export async function backUp(store: Store, file: string): Promise<void> {
  if (store.sqlite === null) throw usePostgresTools("pg_dump");
  if (existsSync(file)) throw new FlowstateError("FS_CONFLICT", `${file} exists already`);
  const unfinished = `${file}.unfinished`;
  try {
    await store.sqlite.backup(unfinished);
    flush(unfinished);
    renameSync(unfinished, file);
  } catch (error) {
    throw describeSqliteError(error, file, "FS_STORE_CORRUPT");
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/**
 * Puts a copy in the database's place: checked first, by us and by `check`, and swapped in by one rename, with the one
 * before kept beside it. Refused while a server has the database open. Returns a sentence that says what happened.
 */
export function restore(address: StoreAddress, file: string, check: (copy: Sqlite) => void): string {
  if (address.kind === "postgres") throw usePostgresTools("pg_restore");
  requireSound(file, check);
  const target = address.file;
  const incoming = `${target}.restoring`;
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  copyFileSync(file, incoming);
  flush(incoming);
  const kept = `${target}.before-restore`;
  if (existsSync(target)) {
    requireUnused(target);
    rmSync(kept, { force: true });
    linkSync(target, kept);
  }
  for (const left of ["-wal", "-shm"]) rmSync(`${target}${left}`, { force: true });
  renameSync(incoming, target);
  flush(dirname(target));
  return existsSync(kept) ? `restored ${file}; the database before it is ${kept}` : `restored ${file}`;
}

function requireSound(file: string, check: (copy: Sqlite) => void): void {
  if (!existsSync(file)) throw new FlowstateError("FS_NOT_FOUND", `${file} does not exist`);
  const db = openSqlite(file, { readOnly: true, whenCorrupt: "FS_STORE_CORRUPT" });
  try {
    const verdict = db.pragma("integrity_check", { simple: true });
    const steps = db.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'migrations'").pluck().get();
    if (verdict !== "ok") throw new FlowstateError("FS_STORE_CORRUPT", `${file} is damaged`);
    if (steps !== 1)
      throw new FlowstateError("FS_INPUT_INVALID", `${file} is no backup of the control plane`);
    check(db);
  } catch (error) {
    throw describeSqliteError(error, file, "FS_STORE_CORRUPT");
  } finally {
    db.close();
  }
}

/** Leaving WAL mode takes the database for oneself, so it fails while any other program has it open. */
function requireUnused(file: string): void {
  let db: Sqlite | undefined;
  try {
    db = new Database(file, { timeout: 0 });
    db.pragma("journal_mode = DELETE");
  } catch (error) {
    // A damaged database is what a restore is for; no server runs on it.
    if (!systemCode(error)?.startsWith("SQLITE_BUSY")) return;
    throw new FlowstateError("FS_CONFLICT", `${file} is in use; stop the control plane first`, {
      cause: error,
    });
  } finally {
    db?.close();
  }
}

function flush(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function usePostgresTools(tool: string): FlowstateError {
  return new FlowstateError("FS_USAGE", `this installation keeps its data in PostgreSQL; use ${tool}`);
}
