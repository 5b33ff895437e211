import { hash } from "node:crypto";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodOfDate, type Period, type UsageDate } from "@flowstate/shared/time";
import type { BillLine } from "../providers/connector.ts";
import type { UsageProviderKind } from "../providers/kinds.ts";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { toUsd, type Rates } from "./exchange.ts";
import type { People } from "./people.ts";
import type { BillingTables } from "./tables.ts";

type Row = BillingTables["billing_rows"];

/** Where a batch of lines comes from and what it is read with. */
export interface LineSource {
  readonly orgId: OrgId;
  readonly providerId: string;
  readonly kind: UsageProviderKind;
  readonly importId: string | null;
  /** When the pull began: its lines are told by it from those that it did not bring. */
  readonly seenAt: number;
  readonly now: number;
  readonly rates: Rates;
  readonly people: People;
}

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

/** What was stated; when one of these is another, the vendor restated the line. */
const stated = [
  "amount_nano_usd",
  "original_amount",
  "original_currency",
  "list_nano_usd",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "requests",
  "quantity",
  "grade",
  "charge_category",
  "identity_value",
] as const satisfies readonly (keyof Row)[];

/** What else a row says of the line; when one of these is another, the row follows without a new revision. */
const described = [
  "subject",
  "description",
  "account",
  "service",
  "model",
  "sku",
  "raw_hash",
  "withdrawn_at",
] as const;

type Known = Pick<
  Row,
  | (typeof stated)[number]
  | (typeof described)[number]
  | "row_id"
  | "revision"
  | "first_seen_at"
  | "last_seen_at"
>;

export interface DecidedLine {
  readonly change: "new" | "stated" | "described" | "none";
  readonly row: Row;
}

/** What becomes of a line, given the row that is stored. Pure. */
export function decide(known: Known | null, row: Row): DecidedLine {
  if (known === null) return { change: "new", row };
  const kept = { ...row, first_seen_at: known.first_seen_at, revision: known.revision };
  if (stated.some((column) => known[column] !== row[column])) {
    const wasFinal = known.last_seen_at >= Date.parse(`${row.usage_day}T00:00:00Z`) + dayMs;
    return { change: "stated", row: wasFinal ? { ...kept, revision: known.revision + 1n } : kept };
  }
  return {
    change: described.some((column) => known[column] !== row[column]) ? "described" : "none",
    row: kept,
  };
}

/**
 * Made from the integration and the natural key, so that a second pull finds the same row. The day leads, so that what
 * is written together lies together: at a million rows that is the difference between minutes and hours.
 */
export function rowIdOf(providerId: string, factKey: string, day: UsageDate): string {
  return day.replaceAll("-", "") + hash("sha256", `${providerId}|${factKey}`, "base64url").slice(0, 24);
}

function toRow(line: BillLine, source: LineSource): Row {
  const { rates, people, now } = source;
  const factKey = `${line.feed}:${line.key}`;
  const { nanoUsd, rate } = toUsd(line.amount, line.day, rates);
  return {
    org_id: source.orgId,
    row_id: rowIdOf(source.providerId, factKey, line.day),
    provider_id: source.providerId,
    kind: source.kind,
    fact_key: factKey,
    revision: 1n,
    grade: line.grade,
    charge_category: line.chargeCategory,
    charge_frequency: line.chargeFrequency,
    service: line.service,
    account: line.account,
    identity_kind: line.identity.kind,
    identity_value: line.identity.value,
    subject: people.subjectOf(line.identity.kind, line.identity.value),
    usage_day: line.day,
    period: periodOfDate(line.day),
    description: line.description,
    amount_nano_usd: nanoUsd,
    original_amount: line.amount.text,
    original_currency: line.amount.currency,
    exchange_rate: rate?.usd ?? null,
    exchange_source: rate?.source ?? null,
    exchange_day: rate?.fromDay ?? null,
    list_nano_usd: line.listAmount === null ? null : toUsd(line.listAmount, line.day, rates).nanoUsd,
    model: line.model,
    sku: line.sku,
    input_tokens: line.tokens?.input ?? null,
    output_tokens: line.tokens?.output ?? null,
    cache_read_tokens: line.tokens?.cacheRead ?? null,
    cache_write_tokens: line.tokens?.cacheWrite ?? null,
    requests: line.requests,
    quantity: line.quantity?.value ?? null,
    unit: line.quantity?.unit ?? null,
    settled: 0n,
    raw_hash: hashRecord(line.record),
    import_id: source.importId,
    first_seen_at: now,
    updated_at: now,
    last_seen_at: source.seenAt,
    withdrawn_at: null,
  };
}

function hashRecord(record: unknown): string {
  return hash(
    "sha256",
    JSON.stringify(record, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)) ??
      "",
    "hex",
  );
}

async function readKnown(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Known>> {
  const columns = ["row_id", "revision", "first_seen_at", "last_seen_at", ...stated, ...described];
  const picked = sql.join(columns.map((name) => sql.id("billing_rows", name)));
  const wanted = jsonRows(
    engine,
    { row_id: "text" },
    ids.map((id) => [id]),
  );
  // A cross join keeps SQLite from reading all rows of the organisation in search of a few.
  const { rows } = await sql<Known>`SELECT ${picked} FROM ${wanted} AS wanted CROSS JOIN billing_rows
    WHERE billing_rows.org_id = ${orgId} AND billing_rows.row_id = wanted.row_id`.execute(db);
  return new Map(rows.map((row) => [row.row_id, row]));
}

const integers = new Set<keyof Row>([
  "revision",
  "amount_nano_usd",
  "list_nano_usd",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "requests",
  "settled",
  "first_seen_at",
  "updated_at",
  "last_seen_at",
  "withdrawn_at",
]);

/** Rows in the order of their key, so that two writers lock them in the same order. */
async function upsert(db: Writer, engine: Engine, rows: readonly Row[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const names = Object.keys(first) as (keyof Row)[];
  const columns = Object.fromEntries(
    names.map((name): [string, ColumnType] => [name, integers.has(name) ? "integer" : "text"]),
  );
  const sorted = [...rows].sort((a, b) => (a.row_id < b.row_id ? -1 : 1));
  const list = sql.join(names.map((name) => sql.id(name)));
  const kept = new Set<keyof Row>(["org_id", "row_id", "settled"]);
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
