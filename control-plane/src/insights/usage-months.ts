import { setImmediate as breathe } from "node:timers/promises";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodBounds, type Period } from "@flowstate/shared/time";
import { jsonRows } from "../store/json-rows.ts";
import type { Reader, Store } from "../store/open.ts";
import { paidBilling } from "../usage/paid.ts";

/** What each person paid for usage, by the project that calls named, summed from hours between two instants. */
export async function sumPaid(
  db: Reader,
  orgId: OrgId,
  from: number,
  to: number,
): Promise<readonly { readonly subject: string; readonly project: string; readonly paid: bigint }[]> {
  const { rows } = await sql<{ subject: string; project: string; paid: bigint }>`SELECT subject, project,
      CAST(sum(cost_nano_usd) AS BIGINT) AS paid
    FROM usage_hours WHERE org_id = ${orgId} AND hour >= ${from} AND hour < ${to}
      AND billing IN (${sql.join([...paidBilling])})
    GROUP BY subject, project`.execute(db);
  return rows;
}

/** Makes a month's sums anew. It reads a day at a time, so that on one machine everything else goes on meanwhile. */
export async function rebuildUsageMonth(store: Store, orgId: OrgId, period: Period): Promise<void> {
  const { from, to } = periodBounds(period);
  const sums = new Map<string, { readonly subject: string; readonly project: string; paid: bigint }>();
  for (let at = from; at < to; at += dayMs) {
    for (const { subject, project, paid } of await sumPaid(store.reader, orgId, at, at + dayMs)) {
      const key = `${subject}\n${project}`;
      const found = sums.get(key);
      if (found === undefined) sums.set(key, { subject, project, paid });
      else found.paid += paid;
    }
    await breathe();
  }
  const values = [...sums.values()].map(({ subject, project, paid }) => [subject, project, paid]);
  const columns = { subject: "text", project: "text", paid_nano_usd: "integer" } as const;
  await store.transact(async (db) => {
    await db.deleteFrom("usage_months").where("org_id", "=", orgId).where("period", "=", period).execute();
    if (values.length === 0) return;
    await sql`INSERT INTO usage_months (org_id, period, subject, project, paid_nano_usd)
      SELECT ${orgId}, ${period}, subject, project, paid_nano_usd
      FROM ${jsonRows(store.engine, columns, values)} AS made`.execute(db);
  });
}
