import { sql } from "kysely";
import { dayMs } from "@flowstate/shared/time";
import type { Store } from "../../src/store/open.ts";
import { sumColumns } from "../../src/usage/rows.ts";

/** Sums hours that a test has written itself by day and by month, as ingest does it call by call. */
export async function sumHours(store: Store): Promise<void> {
  for (const [table, time, rows] of await sumsOfHours(store)) {
    await store.transact(async (db) => {
      await sql`DELETE FROM ${sql.table(table)}`.execute(db);
      for (let at = 0; at < rows.length; at += 500) {
        const columns = ["org_id", time, "subject", "provider", ...sumColumns];
        await sql`INSERT INTO ${sql.table(table)} (${sql.join(columns.map((name) => sql.id(name)))})
          VALUES ${sql.join(rows.slice(at, at + 500).map((row) => sql`(${sql.join(columns.map((name) => row[name]))})`))}`.execute(
          db,
        );
      }
    });
  }
}

type Row = Readonly<Record<string, unknown>>;

/** What the tables of days and months must hold. */
export async function sumsOfHours(
  store: Store,
): Promise<readonly (readonly ["usage_person_days" | "usage_person_months", string, readonly Row[]])[]> {
  const month =
    store.engine === "sqlite"
      ? sql`strftime('%Y-%m', hour / 1000, 'unixepoch')`
      : sql`to_char(to_timestamp(hour / 1000) AT TIME ZONE 'UTC', 'YYYY-MM')`;
  const read = async (time: string, from: typeof month): Promise<readonly Row[]> => {
    const sums = sumColumns.map((name) => sql`CAST(sum(${sql.id(name)}) AS BIGINT) AS ${sql.id(name)}`);
    const { rows } =
      await sql<Row>`SELECT org_id, ${from} AS ${sql.id(time)}, subject, provider, ${sql.join(sums)}
      FROM usage_hours GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`.execute(store.reader);
    return rows;
  };
  return [
    ["usage_person_days", "day_at", await read("day_at", sql`hour - hour % ${sql.lit(dayMs)}`)],
    ["usage_person_months", "period", await read("period", month)],
  ];
}
