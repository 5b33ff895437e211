import type { Sqlite } from "@flowstate/shared/sqlite";
import type { FormatCount } from "../../ledger/formats.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import {
  countLost,
  countRows,
  countWhole,
  readCounted,
  rowsGone,
  type Counted,
  type RowRead,
} from "./counted.ts";
import { lackFor, openForeign, rowsOf, type Lack } from "./foreign-database.ts";
import { fields, name as nameOf, parseFields, type Fields } from "./json.ts";
import type { DatabaseReader, DatabaseTable } from "./reader.ts";

/** A part of a database, and how far all of its tables were read with it, as JSON. */
export interface DatabaseSlice {
  readonly sightings: readonly Sighting[];
  /** How far the answers were understood that no slice before has counted. */
  readonly formats: readonly FormatCount[];
  readonly state: string;
}

/** What is kept of a table from one reading to the next. */
interface TableState {
  /** Null for a table that was never read, or is read whole each time. */
  readonly mark: Mark | null;
  readonly counted: Counted;
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
 * the owner. New are rows beyond the last one, and rows that were changed in place since. A table that has shrunk was
 * rewritten, and a clock that was set back says nothing of what is new: both are read from the beginning. A table that
 * the reader's statement no longer fits is not read, and its rows are counted as lost. Throws what SQLite says; busy is
 * not empty.
 */
export function* readDatabase(
  reader: DatabaseReader,
  file: string,
  state: string | null,
  now: number,
  overlap = usual,
): Generator<DatabaseSlice> {
  const { tool, tables } = reader;
  const states = { ...(state === null ? null : parseFields(state)) };
  const opened = openForeign(file);
  try {
    const lacks = tables.map((table) => lackFor(opened.db, statementOf(table)));
    for (const [index, table] of tables.entries()) {
      const before = readState(states[table.name]);
      const slices =
        lacks[index] === null
          ? readTable(opened.db, tool, table, before, { now, overlap })
          : missTable(tool, before, rowsMissed(opened.db, reader, index, before, lacks));
      for (const { sightings, formats, after } of slices) {
        states[table.name] = after;
        yield { sightings, formats, state: JSON.stringify(states) };
      }
    }
  } finally {
    opened.close();
  }
}

interface TableSlice {
  readonly sightings: readonly Sighting[];
  readonly formats: readonly FormatCount[];
  readonly after: TableState;
}

function* readTable(
  db: Sqlite,
  tool: string,
  table: DatabaseTable,
  before: TableState,
  { now, overlap }: { readonly now: number; readonly overlap: Overlap },
): Generator<TableSlice> {
  const { name, changed } = table;
  const version = versionIn(db, table);
  const changedAt = changed === null ? "0" : `m.${changed}`;
  const columns = `${version}, m.rowid AS row_id, ${changedAt} AS changed_at`;
  const top = rowsOf(db, `SELECT max(rowid) AS top FROM ${name}`)?.[0]?.["top"] ?? 0;
  if (typeof top !== "number" || lackFor(db, statementOf(table, columns)) !== null) {
    const rows = readRows(table, rowsOf(db, statementOf(table, version)) ?? []);
    const { formats, counted } = countWhole(tool, rows, before.counted);
    const after = { mark: null, counted };
    // A table that could be read on until now was counted by its rows.
    const fresh = before.mark === null ? formats : [];
    if (rows.length > 0) yield { sightings: sightingsOf(rows), formats: fresh, after };
    return;
  }
  const known = before.mark !== null && before.mark.readAt <= now ? before.mark : null;
  const isShrunk = before.mark !== null && top < before.mark.rowid;
  let mark: Mark = known === null || isShrunk ? { rowid: 0, changed: 0, readAt: now } : known;
  // What is left of a table that has shrunk was counted, if under other numbers.
  let counted: Counted = isShrunk ? { ...before.counted, rowid: top, open: [] } : before.counted;
  const read = (given: readonly Fields[], isEnd = false): TableSlice => {
    const rows = readRows(table, given);
    const counting = countRows(tool, rows, counted);
    ({ counted } = counting);
    mark = markAfter(mark, given, now);
    // Rows at the end that stand for no call are not looked at again either.
    if (isEnd) mark = { ...mark, rowid: Math.max(mark.rowid, top) };
    return { sightings: sightingsOf(rows), formats: counting.formats, after: { mark, counted } };
  };
  let from = Math.max(0, mark.rowid - overlap.rows);
  if (mark === known && changed !== null) {
    const since = mark.changed - overlap.ms;
    const statement = statementOf(table, columns, `m.rowid <= ? AND m.${changed} >= ?`);
    const rows = rowsOf(db, statement, [from, since]) ?? [];
    if (rows.length > 0) yield read(rows);
  }
  const next = `${statementOf(table, columns, "m.rowid > ?")} ORDER BY m.rowid LIMIT ${overlap.mostAtOnce}`;
  for (let isEnd = false; !isEnd;) {
    const rows = rowsOf(db, next, [from]) ?? [];
    isEnd = rows.length < overlap.mostAtOnce;
    yield read(rows, isEnd);
    from = mark.rowid;
  }
}

/** With the bounds first: SQLite then need not look into every row's text. */
function statementOf({ columns, from, where }: DatabaseTable, more = "NULL", bounds = "true"): string {
  return `SELECT ${columns}, ${more} FROM ${from} WHERE ${bounds} AND (${where})`;
}

function versionIn(db: Sqlite, { version, from }: DatabaseTable): string {
  const isThere = version !== null && lackFor(db, `SELECT ${version} FROM ${from}`) === null;
  return `${isThere ? version : "NULL"} AS tool_version`;
}

function readRows(table: DatabaseTable, rows: readonly Fields[]): readonly RowRead[] {
  return rows.map((row) => {
    const sightings = table.read(row);
    return {
      rowid: readNumber(row["row_id"]),
      toolVersion: nameOf(row["tool_version"]),
      sightings,
      silence: sightings.length > 0 ? null : table.silence(row),
    };
  });
}

function sightingsOf(rows: readonly RowRead[]): readonly Sighting[] {
  return rows.flatMap(({ sightings }) => sightings);
}

function* missTable(tool: string, before: TableState, rows: number): Generator<TableSlice> {
  const { formats, counted } = countLost(tool, rows, before.counted);
  if (formats.length > 0) yield { sightings: [], formats, after: { ...before, counted } };
}

/** How many rows the reader misses. A table that was never there is no loss, nor is one that another took the place of. */
function rowsMissed(
  db: Sqlite,
  { tables, isNeverWithout }: DatabaseReader,
  index: number,
  { mark }: TableState,
  lacks: readonly (Lack | null)[],
): number {
  const count = rowsOf(db, `SELECT count(*) AS count FROM ${tables[index]?.name}`)?.[0]?.["count"];
  if (lacks[index] === "column") return readNumber(count);
  if (lacks.slice(index + 1).some((lack) => lack !== "table")) return 0;
  // The table is there, and one beside it is gone: where nothing else can be read, it is lost with that.
  if (typeof count === "number" && !lacks.includes(null)) return count;
  const isForeign = isNeverWithout && index === 0 && !lacks.includes(null) && isInUse(db);
  return mark !== null || isForeign ? rowsGone(mark?.rowid ?? 0) : 0;
}

/** A database that is just being made holds a list of its changes, and nothing else. */
function isInUse(db: Sqlite): boolean {
  const tables = rowsOf(db, "SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 2");
  return tables?.length === 2;
}

/** A change in the future says nothing of those that come before it. */
function markAfter(mark: Mark, rows: readonly Fields[], now: number): Mark {
  const most = (column: string, before: number): number =>
    rows.reduce((latest, row) => Math.max(latest, readNumber(row[column])), before);
  const changed = Math.min(most("changed_at", mark.changed), now);
  return { rowid: most("row_id", mark.rowid), changed, readAt: now };
}

/** As it was kept; as if the table had never been read where something else stands. */
function readState(kept: unknown): TableState {
  const { mark, counted } = fields(kept);
  const { rowid, changed, readAt } = fields(mark);
  const isMark = typeof rowid === "number" && typeof changed === "number" && typeof readAt === "number";
  return { mark: isMark ? { rowid, changed, readAt } : null, counted: readCounted(counted) };
}

function readNumber(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
