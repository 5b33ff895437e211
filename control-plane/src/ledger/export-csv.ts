import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import type { Period } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import { exportedBills } from "./bills.ts";
import { csvLine } from "./csv-line.ts";

const header = [
  "id",
  "provider",
  "service",
  "usage_date",
  "person",
  "team",
  "cost_centre",
  "model",
  "description",
  "status",
  "billed_usd",
  "match_observed_usd",
  "original_amount",
  "original_currency",
  "note",
] as const;

/** The month's queue, a line each. */
export async function* exportCsv(db: Reader, orgId: OrgId, period: Period): AsyncGenerator<string> {
  yield csvLine(header);
  for await (const bill of exportedBills(db, orgId, period)) {
    yield csvLine([
      bill.row_id,
      bill.kind,
      bill.service,
      bill.usage_day,
      { text: bill.subject },
      { text: bill.team },
      { text: bill.costCentre },
      { text: bill.model },
      { text: bill.description },
      bill.status,
      formatUsd(bill.amount_nano_usd as NanoUsd),
      bill.observed === null ? null : formatUsd(bill.observed as NanoUsd),
      bill.original_amount,
      bill.original_currency,
      { text: bill.note },
    ]);
  }
}
