import type { OrgId } from "@flowstate/shared/ids";
import { periodOf, type Period } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { postRow } from "../ledger/post.ts";
import { scheduleJob } from "../store/jobs.ts";
import type { Writer } from "../store/open.ts";
import { reconcileJobs } from "./act.ts";
import { loadLines } from "./load.ts";
import { untouchedRow } from "./untouched.ts";

/** A row deferred into a month that has come stands in its queue again. */
export async function returnDeferred(db: Writer, orgId: OrgId, now: number): Promise<void> {
  const returned = await db
    .updateTable("reconciliation_rows")
    .set((row) => ({
      status: "unreconciled",
      period: row.ref("deferred_to").$notNull(),
      deferred_to: null,
      match_id: null,
      version: row("version", "+", 1n),
      updated_at: now,
    }))
    .where("org_id", "=", orgId)
    .where("status", "=", "deferred")
    .where("deferred_to", "<=", periodOf(now))
    .returning(["row_id", "period"])
    .execute();
  for (const { row_id, period } of returned.toSorted((a, b) => (a.row_id < b.row_id ? -1 : 1))) {
    await recordAudit(db, {
      orgId,
      at: now,
      actor: "reconciler",
      action: "reconciliation.returned",
      target: row_id,
      detail: `deferred -> unreconciled in ${period}`,
    });
    await postRow(db, { orgId, rowId: row_id, kind: "reversal", actor: "reconciler", now });
  }
}

/** Lines that came for a month after it was closed stand in the current month's queue. */
export async function moveLateRows(
  db: Writer,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
): Promise<number> {
  const current = periodOf(now);
  const late = await loadLines(db, orgId, period);
  const fresh = late.filter(({ version }) => version === 0n);
  for (const { row_id } of fresh) {
    await db
      .insertInto("reconciliation_rows")
      .values(untouchedRow(orgId, { rowId: row_id, period: current, now }))
      .execute();
    await recordAudit(db, {
      orgId,
      at: now,
      actor: "reconciler",
      action: "reconciliation.late",
      target: row_id,
      detail: `${period} is closed: in the queue of ${current}`,
    });
  }
  if (fresh.length > 0) await scheduleJob(db, orgId, `${reconcileJobs}${current}`, now);
  return fresh.length;
}
