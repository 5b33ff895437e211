import type { OrgId } from "@flowstate/shared/ids";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Period } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import type { LedgerTables } from "./tables.ts";

/** A month of the books that was closed at least once. */
export interface AccountingPeriod {
  readonly period: Period;
  readonly state: LedgerTables["accounting_periods"]["state"];
  readonly closings: number;
  readonly changedAt: number;
  readonly changedBy: string;
  readonly reason: string | null;
  readonly snapshotHash: string;
}

/** The newest months first; those that were never closed are not among them. */
export async function listPeriods(db: Reader, orgId: OrgId): Promise<readonly AccountingPeriod[]> {
  const rows = await db
    .selectFrom("accounting_periods")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("period", "desc")
    .execute();
  return rows.map((row) => ({
    period: row.period as Period,
    state: row.state,
    closings: Number(row.closings),
    changedAt: row.changed_at,
    changedBy: row.changed_by,
    reason: row.reason,
    snapshotHash: row.snapshot_hash,
  }));
}

export async function isClosed(db: Reader, orgId: OrgId, period: Period): Promise<boolean> {
  const row = await db
    .selectFrom("accounting_periods")
    .select("state")
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .executeTakeFirst();
  return row?.state === "closed";
}

/** Throws FS_CONFLICT where the month is closed. */
export async function requireOpen(db: Reader, orgId: OrgId, period: Period): Promise<void> {
  if (await isClosed(db, orgId, period)) {
    throw new FlowstateError("FS_CONFLICT", `${period} is closed: reopen the month first, with a reason`);
  }
}
