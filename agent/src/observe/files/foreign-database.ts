import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import type { Fields } from "./json.ts";

export interface ForeignDatabase {
  readonly db: Sqlite;
  close(): void;
}

/**
 * Opens another program's database without disturbing it: read-only where that works, as a private copy where the
 * owner's journal cannot be opened. Throws what SQLite says; busy is not empty.
 */
export function openForeign(file: string): ForeignDatabase {
  try {
    const db = openSqlite(file, { readOnly: true });
    return { db, close: () => void db.close() };
  } catch {
    return openCopy(file);
  }
}

function openCopy(file: string): ForeignDatabase {
  const folder = mkdtempSync(join(tmpdir(), "flowstate-copy-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const copy = join(folder, basename(file));
    for (const suffix of ["", "-wal"])
      if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
    const db = openSqlite(copy);
    return {
      db,
      close() {
        db.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Null where the layout lacks the table or a column. */
export function rowsOf(db: Sqlite, sql: string, values: readonly number[] = []): readonly Fields[] | null {
  try {
    return db.prepare(sql).all(...values) as Fields[];
  } catch (error) {
    if (lackOf(error) === null) throw error;
    return null;
  }
}

/** What the layout lacks of all that a statement names, first of all a table; null where it lacks nothing. */
export function lackFor(db: Sqlite, sql: string): Lack | null {
  try {
    db.prepare(sql);
    return null;
  } catch (error) {
    const lack = lackOf(error);
    if (lack === null) throw error;
    return lack;
  }
}

export type Lack = "table" | "column";

function lackOf(error: unknown): Lack | null {
  const message = error instanceof Error ? error.message : "";
  return message.startsWith("no such table")
    ? "table"
    : message.startsWith("no such column")
      ? "column"
      : null;
}
