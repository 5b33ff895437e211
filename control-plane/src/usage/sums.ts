import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodOf } from "@flowstate/shared/time";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { hourColumns, hourKey, hourSums, sumColumns, type StoredCall } from "./rows.ts";

type Key = readonly (string | number)[];

/** A table of sums over calls: the columns that tell its rows apart, the time first, and a call's place among them. */
interface Sums {
  readonly table: "usage_hours" | "usage_person_days" | "usage_person_months";
  readonly key: Readonly<Record<string, ColumnType>>;
  readonly keyOf: (call: StoredCall) => Key;
}

/** The same calls three times: by hour for every question, by day and by month so that long windows stay fast. */
const tables: readonly Sums[] = [
  { table: "usage_hours", key: hourColumns, keyOf: hourKey },
  {
    table: "usage_person_days",
    key: { day_at: "integer", subject: "text", provider: "text" },
    keyOf: ({ occurred_at: at, subject, provider }) => [at - (at % dayMs), subject, provider],
  },
  {
    table: "usage_person_months",
    key: { period: "text", subject: "text", provider: "text" },
    keyOf: ({ occurred_at: at, subject, provider }) => [periodOf(at), subject, provider],
  },
];

/** Takes what calls were before out of every sum and puts in what they are now. */
export async function addToSums(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  before: readonly StoredCall[],
  after: readonly StoredCall[],
): Promise<void> {
  for (const sums of tables) await addTo(db, engine, orgId, sums, before, after);
}

async function addTo(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  { table, key, keyOf }: Sums,
  before: readonly StoredCall[],
  after: readonly StoredCall[],
): Promise<void> {
  const rows = new Map<string, { readonly key: Key; readonly sums: bigint[] }>();
  const add = (call: StoredCall, sign: 1n | -1n): void => {
    const place = keyOf(call);
    const name = place.join("\n");
    const found = rows.get(name) ?? { key: place, sums: sumColumns.map(() => 0n) };
    for (const [index, sum] of hourSums(call).entries()) {
      found.sums[index] = (found.sums[index] ?? 0n) + sign * sum;
    }
    rows.set(name, found);
  };
  for (const call of before) add(call, -1n);
  for (const call of after) add(call, 1n);
  const values = [...rows]
    .filter(([, { sums }]) => sums.some((sum) => sum !== 0n))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => [...row.key, ...row.sums]);
  if (values.length === 0) return;
  const columns: Record<string, ColumnType> = {
    ...key,
    ...Object.fromEntries(sumColumns.map((name) => [name, "integer"])),
  };
  const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  const changed = sumColumns.map(
    (name) => sql`${sql.id(name)} = ${sql.id(table, name)} + ${sql.id("excluded", name)}`,
  );
  await sql`INSERT INTO ${sql.table(table)} (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS change WHERE TRUE
    ON CONFLICT (org_id, ${sql.join(Object.keys(key).map((name) => sql.id(name)))})
    DO UPDATE SET ${sql.join(changed)}`.execute(db);
  const emptied = [...new Set(before.map((call) => keyOf(call)[0]))];
  const [time = ""] = Object.keys(key);
  if (emptied.length > 0) {
    await sql`DELETE FROM ${sql.table(table)} WHERE org_id = ${orgId} AND calls = 0
      AND ${sql.id(time)} IN (${sql.join(emptied)})`.execute(db);
  }
}
