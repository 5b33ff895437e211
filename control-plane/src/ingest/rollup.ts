import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { periodOf } from "@flowstate/shared/time";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import type { MonthTotal } from "../proxy-status/quotas.ts";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";

/** Columns that add up, in the order in which `sumsOf` gives them. */
const monthSums = [
  "tunnels",
  "failed_tunnels",
  "requests",
  "estimated_requests",
  "bytes_up",
  "bytes_down",
] as const;
const hourSums = [
  ...monthSums,
  "sni_equal",
  "sni_same_provider",
  "sni_mismatch",
  "sni_none",
  "sni_ech",
  "sni_not_tls",
  "would_deny",
] as const;

/** Adds increments to the sums per subject, host and UTC hour. */
export async function addToHours(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  rows: readonly MeterRow[],
): Promise<void> {
  const groups = group(rows, hourSums.length, ({ hour, subject, host }) => [hour, subject, host]);
  const values = groups.map(({ key, sums, last, firstSeenAt, lastSeenAt }) => [
    ...key,
    ...sums,
    firstSeenAt,
    lastSeenAt,
    last.estimateMethod,
  ]);
  const columns: Record<string, ColumnType> = {
    hour: "integer",
    subject: "text",
    host: "text",
    ...integers(hourSums),
    first_seen_at: "integer",
    last_seen_at: "integer",
    estimate_method: "text",
  };
  const names = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  // WHERE TRUE tells SQLite's parser that ON CONFLICT is no join condition.
  await sql`INSERT INTO meter_hours (org_id, ${names})
    SELECT ${orgId}, ${names} FROM ${jsonRows(engine, columns, values)} AS increment WHERE TRUE
    ON CONFLICT (org_id, hour, subject, host) DO UPDATE SET ${accumulate("meter_hours", hourSums)},
      estimate_method = coalesce(excluded.estimate_method, meter_hours.estimate_method)`.execute(db);
}

/** Adds increments to the sums per subject and month. */
export async function addToMonths(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  rows: readonly MeterRow[],
): Promise<readonly MonthTotal[]> {
  const groups = group(rows, monthSums.length, ({ hour, subject }) => [periodOf(hour), subject]);
  const values = groups.map(({ key, sums, firstSeenAt, lastSeenAt }) => [
    ...key,
    ...sums,
    firstSeenAt,
    lastSeenAt,
  ]);
  const columns: Record<string, ColumnType> = {
    period: "text",
    subject: "text",
    ...integers(monthSums),
    first_seen_at: "integer",
    last_seen_at: "integer",
  };
  const names = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  const { rows: totals } = await sql<Omit<MonthTotal, "added">>`INSERT INTO meter_months (org_id, ${names})
    SELECT ${orgId}, ${names} FROM ${jsonRows(engine, columns, values)} AS increment WHERE TRUE
    ON CONFLICT (org_id, period, subject) DO UPDATE SET ${accumulate("meter_months", monthSums)}
    RETURNING period, subject, requests + estimated_requests AS requests`.execute(db);
  const added = new Map(groups.map(({ key, sums }) => [nameOf(key), (sums[2] ?? 0n) + (sums[3] ?? 0n)]));
  return totals.map((total) => ({ ...total, added: added.get(nameOf([total.period, total.subject])) ?? 0n }));
}

interface Group {
  readonly key: readonly (string | number)[];
  readonly sums: bigint[];
  last: MeterRow;
  firstSeenAt: number;
  lastSeenAt: number;
}

/** Increments that meet in one rollup row, added up; in key order, so that two writers lock rows in the same order. */
function group(
  rows: readonly MeterRow[],
  width: number,
  keyOf: (row: MeterRow) => readonly (string | number)[],
): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const key = keyOf(row);
    const name = nameOf(key);
    const sums = sumsOf(row);
    const known = groups.get(name);
    if (known === undefined) {
      const { firstSeenAt, lastSeenAt } = row;
      groups.set(name, { key, sums: sums.slice(0, width).map(BigInt), last: row, firstSeenAt, lastSeenAt });
      continue;
    }
    for (let index = 0; index < width; index += 1) {
      known.sums[index] = (known.sums[index] ?? 0n) + BigInt(sums[index] ?? 0);
    }
    known.firstSeenAt = Math.min(known.firstSeenAt, row.firstSeenAt);
    known.lastSeenAt = Math.max(known.lastSeenAt, row.lastSeenAt);
    if (row.estimateMethod !== null) known.last = row;
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, found]) => found);
}

function nameOf(key: Group["key"]): string {
  return key.join("\n");
}

function sumsOf(row: MeterRow): readonly number[] {
  const { sni } = row;
  return [
    row.tunnels,
    row.failedTunnels,
    row.requests,
    row.estimatedRequests,
    row.bytesUp,
    row.bytesDown,
    sni.equal ?? 0,
    sni.same_provider ?? 0,
    sni.mismatch ?? 0,
    sni.none ?? 0,
    sni.ech ?? 0,
    sni.not_tls ?? 0,
    row.wouldDeny,
  ];
}

function integers(names: readonly string[]): Record<string, ColumnType> {
  return Object.fromEntries(names.map((name) => [name, "integer"]));
}

/** `column = table.column + excluded.column` for the sums, and the wider of both spans. */
function accumulate(table: string, sums: readonly string[]) {
  const added = sums.map(
    (name) => sql`${sql.id(name)} = ${sql.id(table, name)} + ${sql.id("excluded", name)}`,
  );
  const wider = (name: string, comparison: "<" | ">") =>
    sql`${sql.id(name)} = CASE WHEN ${sql.id("excluded", name)} ${sql.raw(comparison)} ${sql.id(table, name)}
      THEN ${sql.id("excluded", name)} ELSE ${sql.id(table, name)} END`;
  return sql.join([...added, wider("first_seen_at", "<"), wider("last_seen_at", ">")]);
}
