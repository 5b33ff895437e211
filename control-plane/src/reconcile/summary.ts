import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { subtractUsd, type NanoUsd } from "@flowstate/shared/money";
import { addMonths, type Period } from "@flowstate/shared/time";
import { billingChangedJobs } from "../billing/changed.ts";
import { isClosed } from "../ledger/period.ts";
import type { Reader } from "../store/open.ts";
import { usageChangedJobs } from "../usage/changed.ts";
import { causeHints, type Cause, type CausePart } from "./causes.ts";
import { billedOf, type Figures } from "./figures.ts";
import { figuresNow, keptAsOf, lastBillAt } from "./month.ts";
import { statuses, type Status } from "./status.ts";

export interface StatusCount {
  readonly status: Status;
  readonly rows: number;
  readonly total: NanoUsd;
}

export interface PeriodSummary {
  readonly period: Period;
  readonly billed: NanoUsd;
  readonly observed: NanoUsd;
  readonly writtenOff: NanoUsd;
  /** billed − observed − written off. */
  readonly residual: NanoUsd;
  readonly deferred: NanoUsd;
  readonly matched: NanoUsd;
  readonly grossVariance: NanoUsd;
  /** Corrections of closed months that were posted in this one; no part of billed. */
  readonly adjustments: NanoUsd;
  readonly counts: readonly StatusCount[];
  /** They sum to the residual exactly. */
  readonly causes: readonly CausePart[];
}

/**
 * The month in figures: those that runs and actions keep, while no bill or call has changed since the last run, else
 * from the rows themselves.
 */
export async function summarise(
  db: Reader,
  orgId: OrgId,
  period: Period,
  now: number,
): Promise<PeriodSummary> {
  const kept = await keptFigures(db, orgId, period, now);
  const figures = kept ?? (await figuresNow(db, orgId, period, now));
  return { ...summaryOf(period, figures), adjustments: await adjustmentsOf(db, orgId, period) };
}

async function keptFigures(db: Reader, orgId: OrgId, period: Period, now: number): Promise<Figures | null> {
  const kept = await keptAsOf(db, orgId, period);
  if (kept === null) return null;
  if (await isClosed(db, orgId, period)) return kept.figures;
  if (lastBillAt(period, kept.asOf) !== lastBillAt(period, now)) return null;
  const changed = await db
    .selectFrom("jobs")
    .select("name")
    .where("org_id", "=", orgId)
    .where(
      "name",
      "in",
      [period, addMonths(period, 1)].flatMap((month) => [
        billingChangedJobs + month,
        usageChangedJobs + month,
      ]),
    )
    .executeTakeFirst();
  return changed === undefined ? kept.figures : null;
}

/** What was posted in the month for rows of months that were closed by then. */
async function adjustmentsOf(db: Reader, orgId: OrgId, period: Period): Promise<NanoUsd> {
  const { rows } = await sql<{
    amount: bigint | null;
  }>`SELECT CAST(sum(e.amount_nano_usd) AS BIGINT) AS amount
    FROM ledger_journals AS j
      JOIN ledger_entries AS e ON e.org_id = j.org_id AND e.journal_id = j.journal_id
      JOIN reconciliation_rows AS r ON r.org_id = j.org_id AND r.row_id = j.row_id
    WHERE j.org_id = ${orgId} AND j.period = ${period} AND j.kind = 'adjustment' AND r.period <> j.period
      AND e.account LIKE 'Liabilities:%'`.execute(db);
  return -(rows[0]?.amount ?? 0n) as NanoUsd;
}

function summaryOf(period: Period, figures: Figures): Omit<PeriodSummary, "adjustments"> {
  const { counts, causes } = figures;
  const billed = billedOf(figures);
  const observed = figures.observed as NanoUsd;
  const writtenOff = counts.written_off.amount as NanoUsd;
  return {
    period,
    billed,
    observed,
    writtenOff,
    residual: subtractUsd(subtractUsd(billed, observed), writtenOff),
    deferred: counts.deferred.amount as NanoUsd,
    matched: figures.matched as NanoUsd,
    grossVariance: figures.grossVariance as NanoUsd,
    counts: statuses.map((status) => ({
      status,
      rows: counts[status].rows,
      total: counts[status].amount as NanoUsd,
    })),
    causes: (Object.keys(causeHints) as Cause[])
      .map((cause) => ({ cause, rows: causes[cause].rows, amount: causes[cause].amount as NanoUsd }))
      .filter(({ rows, amount }) => rows > 0 || amount !== 0n),
  };
}
