import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { BillLine } from "../providers/connector.ts";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import {
  decide,
  knownColumns,
  lineColumns,
  toRow,
  type DecidedLine,
  type KnownLine,
  type LineRow,
  type LineSource,
} from "./line-row.ts";

export interface WrittenLines {
  readonly added: number;
  readonly revised: number;
  /** Months in which something is another than before. */
  readonly periods: readonly Period[];
}

/**
 * Stores a batch of lines. The same line pulled again is the same row; one that the vendor restated is that row in a
 * new revision, with what it said before kept. A figure given before its UTC day was over was never final, so its
 * change is no restatement.
 */
export async function writeLines(
  db: Writer,
  engine: Engine,
  source: LineSource,
  lines: readonly BillLine[],
): Promise<WrittenLines> {
  const incoming = new Map(lines.map((line) => toRow(line, source)).map((row) => [row.row_id, row]));
  if (incoming.size === 0) return { added: 0, revised: 0, periods: [] };
  const known = await readKnown(db, engine, source.orgId, [...incoming.keys()]);
  const decided = [...incoming.values()].map((row) => decide(known.get(row.row_id) ?? null, row));
  await upsert(
    db,
    engine,
    decided.filter(({ change }) => change !== "none").map(({ row }) => row),
  );
  await recordRevisions(
    db,
    engine,
    decided.filter(({ change }) => change === "new" || change === "stated"),
  );
  await markSeen(
    db,
    engine,
    source,
    decided.filter(({ change }) => change === "none"),
  );
  return {
    added: decided.filter(({ change }) => change === "new").length,
    revised: decided.filter(({ change, row }) => change === "stated" && row.revision > 1n).length,
    periods: [
      ...new Set(decided.flatMap(({ change, row }) => (change === "none" ? [] : (row.period as Period)))),
    ],
  };
}

async function readKnown(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  ids: readonly string[],
): Promise<ReadonlyMap<string, KnownLine>> {
  const picked = sql.join(knownColumns.map((name) => sql.id("billing_rows", name)));
  const wanted = jsonRows(
    engine,
    { row_id: "text" },
    ids.map((id) => [id]),
  );
  // A cross join keeps SQLite from reading all rows of the organisation in search of a few.
  const { rows } = await sql<KnownLine>`SELECT ${picked} FROM ${wanted} AS wanted CROSS JOIN billing_rows
    WHERE billing_rows.org_id = ${orgId} AND billing_rows.row_id = wanted.row_id`.execute(db);
  return new Map(rows.map((row) => [row.row_id, row]));
}

/** Rows in the order of their key, so that two writers lock them in the same order. */
async function upsert(db: Writer, engine: Engine, rows: readonly LineRow[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = lineColumns(first);
  const names = Object.keys(columns) as (keyof LineRow)[];
  const sorted = [...rows].sort((a, b) => (a.row_id < b.row_id ? -1 : 1));
  const list = sql.join(names.map((name) => sql.id(name)));
  const kept = new Set<keyof LineRow>(["org_id", "row_id", "settled"]);
  const updates = names
    .filter((name) => !kept.has(name))
    .map((name) => sql`${sql.id(name)} = ${sql.id("excluded", name)}`);
  await sql`INSERT INTO billing_rows (${list})
    SELECT ${list} FROM ${jsonRows(
      engine,
      columns,
      sorted.map((row) => names.map((name) => row[name])),
    )} AS line
    WHERE TRUE
    ON CONFLICT (org_id, row_id) DO UPDATE SET ${sql.join(updates)}`.execute(db);
}

/** A provisional figure's entry is replaced; a restatement's stands beside the one before. */
async function recordRevisions(db: Writer, engine: Engine, lines: readonly DecidedLine[]): Promise<void> {
  if (lines.length === 0) return;
  const columns: Record<string, ColumnType> = {
    org_id: "text",
    row_id: "text",
    revision: "integer",
    amount_nano_usd: "integer",
    original_amount: "text",
    original_currency: "text",
    raw_hash: "text",
    recorded_at: "integer",
  };
  const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  const values = lines.map(({ row }) => [
    row.org_id,
    row.row_id,
    row.revision,
    row.amount_nano_usd,
    row.original_amount,
    row.original_currency,
    row.raw_hash,
    row.updated_at,
  ]);
  await sql`INSERT INTO billing_revisions (${list})
    SELECT ${list} FROM ${jsonRows(engine, columns, values)} AS revision WHERE TRUE
    ON CONFLICT (org_id, row_id, revision) DO UPDATE SET amount_nano_usd = excluded.amount_nano_usd,
      original_amount = excluded.original_amount, original_currency = excluded.original_currency,
      raw_hash = excluded.raw_hash, recorded_at = excluded.recorded_at`.execute(db);
}

async function markSeen(
  db: Writer,
  engine: Engine,
  { orgId, seenAt }: LineSource,
  lines: readonly DecidedLine[],
): Promise<void> {
  if (lines.length === 0) return;
  const ids = jsonRows(
    engine,
    { row_id: "text" },
    lines.map(({ row }) => [row.row_id]),
  );
  await sql`UPDATE billing_rows SET last_seen_at = CAST(${seenAt} AS BIGINT)
    WHERE org_id = ${orgId} AND row_id IN (SELECT row_id FROM ${ids} AS seen)`.execute(db);
}
