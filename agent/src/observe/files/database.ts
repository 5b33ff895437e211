import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { openSqlite, type Sqlite } from "@flowstate/shared/sqlite";
import type { Sighting } from "../../normalise/sighting.ts";
import { fields, parseFields, type Fields } from "./json.ts";
import type { DatabaseReader, DatabaseTable } from "./reader.ts";

/** A part of a database, and how far all of its tables were read with it, as JSON. */
export interface DatabaseSlice {
  readonly sightings: readonly Sighting[];
  readonly state: string;
}

/** How far a table was read. */
interface Mark {
  readonly rowid: number;
  /** The latest change that was seen, by the tool's own column; 0 where there is none. */
  readonly changed: number;
  /** Our clock then. */
  readonly readAt: number;
}

/** Rows and changes just before a mark are read again: they may have been on their way when it was set. */
export interface Overlap {
  readonly rows: number;
  readonly ms: number;
  /** Rows of a slice. */
  readonly mostAtOnce: number;
}

const usual: Overlap = { rows: 200, ms: 600_000, mostAtOnce: 1000 };

/**
 * Reads what is new in another program's database since `state`, or all of it, a slice at a time and without disturbing
 * the owner: read-only where that works, from a private copy where the owner's journal cannot be opened. New are rows
 * beyond the last one, and rows that were changed in place since. A table that has shrunk was rewritten, and a clock that
 * was set back says nothing of what is new: both are read from the beginning. Throws what SQLite says; busy is not empty.
 */
export function* readDatabase(
  reader: DatabaseReader,
  file: string,
  state: string | null,
  now: number,
  overlap = usual,
): Generator<DatabaseSlice> {
  const known = fields(state === null ? null : parseFields(state));
  const marks: Record<string, Mark> = {};
  for (const { name } of reader.tables) {
    const mark = readMark(known[name]);
    if (mark !== null && mark.readAt <= now) marks[name] = mark;
  }
  const opened = openForeign(file);
  try {
    for (const table of reader.tables) {
      for (const { sightings, mark } of readTable(opened.db, table, marks[table.name] ?? null, {
        now,
        overlap,
      })) {
        if (mark !== null) marks[table.name] = mark;
        yield { sightings, state: JSON.stringify(marks) };
      }
    }
  } finally {
    opened.close();
  }
}

interface TableSlice {
  readonly sightings: readonly Sighting[];
  /** Null for a table that has to be read whole each time. */
  readonly mark: Mark | null;
}

function* readTable(
  db: Sqlite,
  table: DatabaseTable,
  known: Mark | null,
  { now, overlap }: { readonly now: number; readonly overlap: Overlap },
): Generator<TableSlice> {
  const { name, columns, from, where, changed } = table;
  const changedAt = changed === null ? "0" : `m.${changed}`;
  const select = `SELECT ${columns}, m.rowid AS row_id, ${changedAt} AS changed_at FROM ${from} WHERE ${where}`;
  const top = rowsOf(db, `SELECT max(rowid) AS top FROM ${name}`)?.[0]?.["top"] ?? 0;
  if (typeof top !== "number" || rowsOf(db, `${select} AND m.rowid < 0`) === null) {
    const rows = rowsOf(db, `SELECT ${columns} FROM ${from} WHERE ${where}`) ?? [];
    if (rows.length > 0) yield { sightings: rows.flatMap(table.read), mark: null };
    return;
  }
  const isRewritten = known === null || top < known.rowid;
  let mark: Mark = isRewritten ? { rowid: 0, changed: 0, readAt: now } : known;
  let after = Math.max(0, mark.rowid - overlap.rows);
  if (!isRewritten && changed !== null) {
    const since = mark.changed - overlap.ms;
    const rows = rowsOf(db, `${select} AND m.rowid <= ? AND m.${changed} >= ?`, [after, since]) ?? [];
    mark = markAfter(mark, rows, now);
    if (rows.length > 0) yield { sightings: rows.flatMap(table.read), mark };
  }
  const next = `${select} AND m.rowid > ? ORDER BY m.rowid LIMIT ${overlap.mostAtOnce}`;
  for (let isEnd = false; !isEnd;) {
    const rows = rowsOf(db, next, [after]) ?? [];
    isEnd = rows.length < overlap.mostAtOnce;
    mark = markAfter(mark, rows, now);
    // Rows at the end that stand for no call are not looked at again either.
    if (isEnd) mark = { ...mark, rowid: Math.max(mark.rowid, top) };
    after = mark.rowid;
    yield { sightings: rows.flatMap(table.read), mark };
  }
}

/** A change in the future says nothing of those that come before it. */
function markAfter(mark: Mark, rows: readonly Fields[], now: number): Mark {
  const latest = Math.max(mark.changed, ...rows.map((row) => readNumber(row["changed_at"])));
  const rowid = Math.max(mark.rowid, ...rows.map((row) => readNumber(row["row_id"])));
  return { rowid, changed: Math.min(latest, now), readAt: now };
}

function readMark(value: unknown): Mark | null {
  const { rowid, changed, readAt } = fields(value);
  if (typeof rowid !== "number" || typeof changed !== "number" || typeof readAt !== "number") return null;
  return { rowid, changed, readAt };
}

function readNumber(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function openForeign(file: string): { readonly db: Sqlite; close(): void } {
  try {
    const db = openSqlite(file, { readOnly: true });
    return { db, close: () => void db.close() };
  } catch {
    return openCopy(file);
  }
}

function openCopy(file: string): { readonly db: Sqlite; close(): void } {
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
function rowsOf(db: Sqlite, sql: string, values: readonly number[] = []): readonly Fields[] | null {
  try {
    return db.prepare(sql).all(...values) as Fields[];
  } catch (error) {
    if (error instanceof Error && /^no such (?:table|column)/.test(error.message)) return null;
    throw error;
  }
}
