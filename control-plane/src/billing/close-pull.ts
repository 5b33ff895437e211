import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { Period, UsageDate } from "@flowstate/shared/time";
import type { DayWindow } from "../providers/connector.ts";
import type { Writer } from "../store/open.ts";

interface PullOf {
  readonly orgId: OrgId;
  readonly providerId: string;
  readonly seenAt: number;
  readonly now: number;
}

/**
 * Marks the lines of a feed that a complete pull of their days did not bring again: the vendor has withdrawn them.
 * They stay for history and count for nothing. Returns how many, and in which months.
 */
export async function withdrawUnseen(
  db: Writer,
  { orgId, providerId, seenAt, now }: PullOf,
  feed: string,
  { from, until }: DayWindow,
): Promise<{ readonly withdrawn: number; readonly periods: readonly Period[] }> {
  const gone = await db
    .updateTable("billing_rows")
    .set({ withdrawn_at: now, updated_at: now })
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .where("usage_day", ">=", from)
    .where("usage_day", "<=", until)
    .where(sql`substr(fact_key, 1, ${feed.length + 1})`, "=", `${feed}:`)
    .where("last_seen_at", "<", seenAt)
    .where("withdrawn_at", "is", null)
    .returning("period")
    .execute();
  return { withdrawn: gone.length, periods: [...new Set(gone.map(({ period }) => period as Period))] };
}

/** The same for usage, of which only the newest state is kept. */
export async function dropUnseenUsage(
  db: Writer,
  { orgId, providerId, seenAt }: PullOf,
  { from, until }: DayWindow,
): Promise<void> {
  await db
    .deleteFrom("vendor_usage")
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .where("usage_day", ">=", from)
    .where("usage_day", "<=", until)
    .where("last_seen_at", "<", seenAt)
    .execute();
}

/** Days before `day` are older than the vendor's habit of restating them. */
export async function settleBefore(db: Writer, { orgId, providerId }: PullOf, day: UsageDate): Promise<void> {
  await db
    .updateTable("billing_rows")
    .set({ settled: 1n })
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .where("usage_day", "<", day)
    .where("settled", "=", 0n)
    .execute();
}
