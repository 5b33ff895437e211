import { fewestBlank, type FormatCounts } from "@flowstate/shared/wire/format";
import type { FormatCount } from "../../ledger/formats.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { growth, readCounts, type Silence } from "./answers.ts";
import { fields, items } from "./json.ts";

/** Which answers of a table were counted: rows are read more often than once. */
export interface Counted {
  /** Rows up to this one were, but for `open`, whose answers were still on their way. */
  readonly rowid: number;
  readonly open: readonly number[];
  /** What the table came to, where it is read whole each time. */
  readonly whole: FormatCounts;
  /** Rows that could not be read at all. */
  readonly lost: number;
}

/** Answers of some rows, and what is counted with them. */
export interface Counting {
  readonly formats: readonly FormatCount[];
  readonly counted: Counted;
}

/** A row and what was read from it. */
export interface RowRead {
  readonly rowid: number;
  readonly toolVersion: string | null;
  readonly sightings: readonly Sighting[];
  /** What the row is where it gave no call; null where it gave one. */
  readonly silence: Silence | null;
}

/** Answers that are remembered while they are on their way: those before them have broken off. */
const mostOpen = 200;

/** Counts the answers among `rows`, each once. */
export function countRows(tool: string, rows: readonly RowRead[], before: Counted): Counting {
  const open = new Set(before.open);
  const fresh = rows.filter(({ rowid }) => rowid > before.rowid || open.has(rowid));
  let last = before.rowid;
  for (const { rowid, silence } of fresh) {
    last = Math.max(last, rowid);
    if (silence === "open") open.add(rowid);
    else open.delete(rowid);
  }
  const latest = [...open].toSorted((a, b) => a - b).slice(-mostOpen);
  return { formats: formatsOf(tool, fresh), counted: { ...before, rowid: last, open: latest } };
}

/** Counts what has come to a table of which every row was read again. */
export function countWhole(tool: string, rows: readonly RowRead[], before: Counted): Counting {
  const whole = formatsOf(tool, rows).reduce(
    (sum, { seen, blank }) => ({ seen: sum.seen + seen, blank: sum.blank + blank }),
    { seen: 0, blank: 0 },
  );
  return { formats: formatOf(tool, growth(whole, before.whole)), counted: { ...before, whole } };
}

/**
 * Counts rows of a table whose layout is not understood any more as answers without usage, those too that were read
 * while it was.
 */
export function countLost(tool: string, rows: number, before: Counted): Counting {
  const fresh = Math.max(0, rows - before.lost);
  const formats = formatOf(tool, { seen: fresh, blank: fresh });
  return { formats, counted: { ...before, lost: Math.max(rows, before.lost) } };
}

/** How many rows a table held that is gone: at least as many as are no chance. */
export function rowsGone(lastRowid: number): number {
  return Math.max(fewestBlank, lastRowid);
}

function formatsOf(tool: string, rows: readonly RowRead[]): readonly FormatCount[] {
  const byVersion = new Map<string | null, FormatCounts>();
  for (const { silence, toolVersion } of rows) {
    if (silence === "open" || silence === "no_answer") continue;
    const { seen, blank } = byVersion.get(toolVersion) ?? { seen: 0, blank: 0 };
    byVersion.set(toolVersion, { seen: seen + 1, blank: blank + (silence === null ? 0 : 1) });
  }
  return [...byVersion].flatMap(([toolVersion, counts]) => formatOf(tool, counts, toolVersion));
}

function formatOf(
  tool: string,
  counts: FormatCounts,
  toolVersion: string | null = null,
): readonly FormatCount[] {
  return counts.seen === 0 ? [] : [{ tool, toolVersion, host: null, ...counts }];
}

/** As it was kept; nothing counted where something else stands. */
export function readCounted(kept: unknown): Counted {
  const { rowid, open, whole, lost } = fields(kept);
  return {
    rowid: typeof rowid === "number" ? rowid : 0,
    open: items(open).filter((row) => typeof row === "number"),
    whole: readCounts(whole),
    lost: typeof lost === "number" ? lost : 0,
  };
}
