import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { ReconciliationTables } from "./tables.ts";

/** A billing row as it stands in a month's queue before anything was done about it. */
export function untouchedRow(
  orgId: OrgId,
  { rowId, period, now }: { readonly rowId: string; readonly period: Period; readonly now: number },
): ReconciliationTables["reconciliation_rows"] {
  return {
    org_id: orgId,
    row_id: rowId,
    period,
    status: "unreconciled",
    version: 1n,
    match_id: null,
    note: null,
    deferred_to: null,
    confirmed_nano_usd: null,
    updated_at: now,
  };
}
