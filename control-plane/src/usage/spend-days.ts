import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs } from "@flowstate/shared/time";
import { jsonRows } from "../store/json-rows.ts";
import type { Reader, Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { paidBilling } from "./paid.ts";
import type { StoredCall } from "./rows.ts";

/** Takes what calls were before out of their days and puts in what they are now. */
export async function addToSpendDays(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  before: readonly StoredCall[],
  after: readonly StoredCall[],
): Promise<void> {
  const days = new Map<string, { readonly key: readonly (string | number)[]; paid: bigint }>();
  const add = (call: StoredCall, sign: 1n | -1n): void => {
    const cost = call.cost_nano_usd ?? 0n;
    if (cost === 0n || !isPaid(call.billing)) return;
    const key = [call.subject, call.occurred_at - (call.occurred_at % dayMs), call.provider];
    const name = key.join("\n");
    const found = days.get(name);
    if (found === undefined) days.set(name, { key, paid: sign * cost });
    else found.paid += sign * cost;
  };
  for (const call of before) add(call, -1n);
  for (const call of after) add(call, 1n);
  const values = [...days]
    .filter(([, { paid }]) => paid !== 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { key, paid }]) => [...key, paid]);
  if (values.length === 0) return;
  const columns = { subject: "text", day_at: "integer", provider: "text", paid_nano_usd: "integer" } as const;
  await sql`INSERT INTO spend_days (org_id, subject, day_at, provider, paid_nano_usd)
    SELECT ${orgId}, subject, day_at, provider, paid_nano_usd FROM ${jsonRows(engine, columns, values)} AS change
    WHERE TRUE
    ON CONFLICT (org_id, subject, day_at, provider)
    DO UPDATE SET paid_nano_usd = spend_days.paid_nano_usd + excluded.paid_nano_usd`.execute(db);
}

/** What some subjects have paid since a day, by day and provider. */
export async function readSpendDays(
  db: Reader,
  orgId: OrgId,
  subjects: readonly string[],
  sinceAt: number,
): Promise<readonly { readonly dayAt: number; readonly provider: string; readonly paid: bigint }[]> {
  const rows = await db
    .selectFrom("spend_days")
    .select(["day_at", "provider", "paid_nano_usd"])
    .where("org_id", "=", orgId)
    .where("subject", "in", subjects)
    .where("day_at", ">=", sinceAt)
    .execute();
  return rows.map((row) => ({ dayAt: row.day_at, provider: row.provider, paid: row.paid_nano_usd }));
}

/** What everybody has paid since a day, by subject and provider. */
export async function sumSpendDays(
  db: Reader,
  orgId: OrgId,
  sinceAt: number,
): Promise<readonly { readonly subject: string; readonly provider: string; readonly paid: bigint }[]> {
  const rows = await db
    .selectFrom("spend_days")
    .select(["subject", "provider"])
    .select(sql<bigint>`CAST(sum(paid_nano_usd) AS BIGINT)`.as("paid"))
    .where("org_id", "=", orgId)
    .where("day_at", ">=", sinceAt)
    .groupBy(["subject", "provider"])
    .execute();
  return rows;
}

function isPaid(billing: string): boolean {
  return (paidBilling as readonly string[]).includes(billing);
}
