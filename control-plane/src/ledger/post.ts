import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { periodOf, type Period } from "@flowstate/shared/time";
import { providerOf } from "../reconcile/load.ts";
import type { Status } from "../reconcile/status.ts";
import type { Reader, Writer } from "../store/open.ts";
import { entriesBetween, targetOf, type Entry, type JournalKind } from "./entries.ts";
import { partsOf, type PersonalShare } from "./parts.ts";
import { isClosed } from "./period.ts";

export interface Posting {
  readonly orgId: OrgId;
  readonly rowId: string;
  readonly kind: JournalKind;
  readonly actor: string;
  readonly now: number;
}

/**
 * Posts what leads from what the ledger says of a row to where the row stands and what its bill says now, in the row's
 * own month, or in the current one where that is closed. Nothing is posted where they agree already.
 */
export async function postRow(db: Writer, { orgId, rowId, kind, actor, now }: Posting): Promise<void> {
  const row = await loadRow(db, orgId, rowId);
  const target = targetOf(row.status, row, await partsOf(db, orgId, row, sharesOf(row)));
  const entries = entriesBetween(await postedOf(db, orgId, rowId), target);
  if (entries.length === 0) return;
  const period = (await isClosed(db, orgId, row.period)) ? periodOf(now) : row.period;
  const journal = { org_id: orgId, journal_id: randomUUID() };
  await db
    .insertInto("ledger_journals")
    .values({ ...journal, period, posted_at: now, kind, row_id: rowId, actor })
    .execute();
  for (const [line, entry] of entries.entries()) {
    await db
      .insertInto("ledger_entries")
      .values({
        ...journal,
        line: BigInt(line + 1),
        row_id: rowId,
        account: entry.account,
        subject: entry.subject,
        project: entry.project,
        team: entry.team,
        cost_centre: entry.costCentre,
        amount_nano_usd: entry.amount,
      })
      .execute();
  }
}

/** Posts the difference for every decided row of a month whose bill has changed since it was posted. */
export async function postCorrections(
  db: Writer,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
): Promise<number> {
  const { rows } = await sql<{ row_id: string }>`SELECT r.row_id
    FROM reconciliation_rows AS r
      JOIN billing_rows AS b ON b.org_id = r.org_id AND b.row_id = r.row_id
      LEFT JOIN (SELECT row_id, sum(amount_nano_usd) AS amount FROM ledger_entries
        WHERE org_id = ${orgId} AND account LIKE 'Liabilities:%' GROUP BY row_id) AS l ON l.row_id = r.row_id
    WHERE r.org_id = ${orgId} AND r.period = ${period} AND r.status IN ('confirmed', 'written_off', 'deferred')
      AND coalesce(l.amount, 0) + CASE WHEN b.withdrawn_at IS NULL THEN b.amount_nano_usd ELSE 0 END <> 0
    ORDER BY r.row_id`.execute(db);
  for (const { row_id: rowId } of rows) {
    await postRow(db, { orgId, rowId, kind: "adjustment", actor: "reconciler", now });
  }
  return rows.length;
}

interface PostedRow {
  readonly status: Status;
  readonly period: Period;
  readonly kind: string;
  readonly service: string;
  readonly provider: string;
  readonly day: string;
  readonly subject: string | null;
  readonly amount: NanoUsd;
  /** People's parts where the bill names nobody. */
  readonly shares: readonly PersonalShare[];
}

async function loadRow(db: Reader, orgId: OrgId, rowId: string): Promise<PostedRow> {
  const { rows } = await sql<{
    status: Status;
    period: Period;
    kind: string;
    service: string;
    usage_day: string;
    subject: string | null;
    amount: bigint;
    shares: string | null;
  }>`SELECT r.status, r.period, b.kind, b.service, b.usage_day, b.subject, m.shares,
      CASE WHEN b.withdrawn_at IS NULL THEN b.amount_nano_usd ELSE 0 END AS amount
    FROM reconciliation_rows AS r
      JOIN billing_rows AS b ON b.org_id = r.org_id AND b.row_id = r.row_id
      LEFT JOIN reconciliation_matches AS m ON m.org_id = r.org_id AND m.match_id = r.match_id
    WHERE r.org_id = ${orgId} AND r.row_id = ${rowId}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error(`the ledger was told of the row ${rowId}, which does not exist`);
  const { status, period, kind, service, usage_day: day, subject } = row;
  const shares = JSON.parse(row.shares ?? "[]") as [string, string, string][];
  return {
    status,
    period,
    kind,
    service,
    provider: providerOf(row),
    day,
    subject,
    amount: row.amount as NanoUsd,
    shares: shares
      .filter(([of]) => of === rowId)
      .map(([, person, amount]) => ({ subject: person, amount: BigInt(amount) as NanoUsd })),
  };
}

/** The match's split, as long as it is of the amount that the bill states. */
function sharesOf({ subject, amount, shares }: PostedRow): readonly PersonalShare[] {
  const split = shares.reduce((sum, share) => sum + share.amount, 0n);
  return shares.length > 0 && split === amount ? shares : [{ subject, amount }];
}

async function postedOf(db: Reader, orgId: OrgId, rowId: string): Promise<readonly Entry[]> {
  const rows = await db
    .selectFrom("ledger_entries")
    .select(["account", "subject", "project", "team", "cost_centre", "amount_nano_usd"])
    .where("org_id", "=", orgId)
    .where("row_id", "=", rowId)
    .execute();
  return rows.map(({ cost_centre: costCentre, amount_nano_usd, ...entry }) => ({
    ...entry,
    costCentre,
    amount: amount_nano_usd as NanoUsd,
  }));
}
