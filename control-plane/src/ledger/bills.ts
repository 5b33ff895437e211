import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { BillingTables } from "../billing/tables.ts";
import type { Status } from "../reconcile/status.ts";
import type { Reader } from "../store/open.ts";
import { homeOf, type Owner } from "./parts.ts";

/** A line of a month's bills with where it stands and whose it is. */
export interface ExportedBill extends BillingRow, Owner {
  readonly status: Status;
  readonly note: string | null;
  readonly observed: bigint | null;
}

type BillingRow = BillingTables["billing_rows"];
const pageRows = 1000;

/** The lines in a month's queue, what vendors estimate left out, in the order of their identifiers. */
export async function* exportedBills(db: Reader, orgId: OrgId, period: Period): AsyncGenerator<ExportedBill> {
  const homes = new Map<string | null, Owner>();
  let after = "";
  for (;;) {
    const { rows } = await sql<BillingRow & Pick<ExportedBill, "status" | "note" | "observed">>`SELECT b.*,
        coalesce(r.status, 'unreconciled') AS status, r.note, m.observed_nano_usd AS observed
      FROM billing_rows AS b
        LEFT JOIN reconciliation_rows AS r ON r.org_id = b.org_id AND r.row_id = b.row_id
        LEFT JOIN reconciliation_matches AS m ON m.org_id = r.org_id AND m.match_id = r.match_id
      WHERE b.org_id = ${orgId} AND b.grade = 'billed' AND b.withdrawn_at IS NULL AND b.row_id > ${after}
        AND ((b.period = ${period} AND r.row_id IS NULL) OR r.period = ${period})
      ORDER BY b.row_id LIMIT ${pageRows}`.execute(db);
    for (const row of rows) {
      const home = homes.get(row.subject) ?? (await homeOf(db, orgId, row.subject));
      homes.set(row.subject, home);
      yield { ...row, ...home };
    }
    after = rows.at(-1)?.row_id ?? after;
    if (rows.length < pageRows) return;
  }
}
