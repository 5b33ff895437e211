import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, hourMs, type UsageDate } from "@flowstate/shared/time";
import { paidBilling } from "../usage/paid.ts";
import type { Reader, Store } from "../store/open.ts";

/** Makes the sums of one UTC day anew; rows that say the same already are left as they are. */
export async function rebuildPersonDay(store: Store, orgId: OrgId, day: UsageDate): Promise<void> {
  const from = Date.parse(day);
  const to = from + dayMs;
  const hours = sql`org_id = ${orgId} AND hour >= ${from} AND hour < ${to}`;
  await store.transact(async (db) => {
    await sql`INSERT INTO person_days (org_id, day, subject, paid_nano_usd, calls, active_hours)
      SELECT ${orgId}, ${day}, subject,
        CAST(sum(CASE WHEN billing IN (${sql.join([...paidBilling])}) THEN cost_nano_usd ELSE 0 END) AS BIGINT),
        CAST(sum(calls) AS BIGINT), count(DISTINCT hour)
      FROM usage_hours WHERE ${hours} GROUP BY subject
      ON CONFLICT (org_id, day, subject) DO UPDATE SET paid_nano_usd = excluded.paid_nano_usd,
        calls = excluded.calls, active_hours = excluded.active_hours
      WHERE person_days.calls <> excluded.calls OR person_days.paid_nano_usd <> excluded.paid_nano_usd
        OR person_days.active_hours <> excluded.active_hours`.execute(db);
    await sql`DELETE FROM person_days WHERE org_id = ${orgId} AND day = ${day}
      AND subject NOT IN (SELECT subject FROM usage_hours WHERE ${hours})`.execute(db);
  });
}

export interface PersonDay {
  readonly subject: string;
  readonly paidNanoUsd: bigint;
  readonly calls: number;
  readonly activeHours: number;
}

/** A day's rows, of everybody or of some addresses. */
export async function loadPersonDay(
  db: Reader,
  orgId: OrgId,
  day: UsageDate,
  subjects: readonly string[] | null = null,
): Promise<readonly PersonDay[]> {
  if (subjects?.length === 0) return [];
  let wanted = db
    .selectFrom("person_days")
    .select(["subject", "paid_nano_usd", "calls", "active_hours"])
    .where("org_id", "=", orgId)
    .where("day", "=", day);
  if (subjects !== null) wanted = wanted.where("subject", "in", subjects);
  return (await wanted.execute()).map((row) => ({
    subject: row.subject,
    paidNanoUsd: row.paid_nano_usd,
    calls: Number(row.calls),
    activeHours: Number(row.active_hours),
  }));
}

/** The hour's start that an instant column falls into, as SQL. */
export function hourColumn(column: string) {
  return sql<number>`${sql.ref(column)} - ${sql.ref(column)} % ${sql.lit(hourMs)}`;
}
