import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import type { Sighting } from "../../normalise/sighting.ts";
import type { Fields } from "./json.ts";
import type { DatabaseReader } from "./reader.ts";

/**
 * Reads another program's database without disturbing it: read-only where that works, from a private copy where the
 * owner's journal cannot be opened. Throws what SQLite says when neither works; busy is not empty.
 */
export function readDatabase(reader: DatabaseReader, file: string): readonly Sighting[] {
  try {
    return query(reader, file, openSqlite(file, { readOnly: true }));
  } catch {
    return readCopy(reader, file);
  }
}

function readCopy(reader: DatabaseReader, file: string): readonly Sighting[] {
  const folder = mkdtempSync(join(tmpdir(), "flowstate-copy-"));
  try {
    const copy = join(folder, basename(file));
    for (const suffix of ["", "-wal"])
      if (existsSync(file + suffix)) copyFileSync(file + suffix, copy + suffix);
    return query(reader, file, openSqlite(copy));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function query(reader: DatabaseReader, file: string, db: Sqlite): readonly Sighting[] {
  try {
    return reader.read((sql) => rowsOf(db, sql), file);
  } finally {
    db.close();
  }
}

/** A layout that lacks the table or a column has no such rows. */
function rowsOf(db: Sqlite, sql: string): readonly Fields[] {
  try {
    return db.prepare(sql).all() as Fields[];
  } catch (error) {
    if (error instanceof Error && /^no such (?:table|column)/.test(error.message)) return [];
    throw error;
  }
}
