import { createHash } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { FlowstateError } from "@flowstate/shared/errors";
import { formatUsd } from "@flowstate/shared/money";
import { periodBounds, type Period } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { scheduleJob } from "../store/jobs.ts";
import type { Reader, Writer } from "../store/open.ts";
import { reconcileJobs } from "../reconcile/act.ts";
import { loadLines, type StandingLine } from "../reconcile/load.ts";
import { lockReconciliation } from "../reconcile/lock.ts";
import { figuresNow, keepFigures } from "../reconcile/month.ts";
import { printFigures } from "../reconcile/figures.ts";
import { isDecided } from "../reconcile/status.ts";
import { isClosed } from "./period.ts";

export interface PeriodChange {
  readonly orgId: OrgId;
  readonly period: Period;
  readonly actor: string;
  readonly now: number;
}

const atOnce = 500;
const longestReason = 2000;

/**
 * Freezes a month: keeps a snapshot of every row and the figures, and puts its hash into the audit log. From then on
 * nobody changes its rows, and what its providers still correct is posted in the month that is current then. Throws
 * FS_CONFLICT while the month lasts, while a row waits for a decision, and where it is closed already.
 */
export async function closePeriod(db: Writer, { orgId, period, actor, now }: PeriodChange): Promise<void> {
  await lockReconciliation(db, orgId);
  if (await isClosed(db, orgId, period))
    throw new FlowstateError("FS_CONFLICT", `${period} is closed already`);
  if (now < periodBounds(period).to) {
    throw new FlowstateError("FS_CONFLICT", `${period} is not over: a month can be closed when it has ended`);
  }
  const lines = await loadLines(db, orgId, period);
  const waiting = lines.filter(({ status }) => !isDecided(status)).length;
  if (waiting > 0) {
    throw new FlowstateError(
      "FS_CONFLICT",
      `${period} cannot be closed: ${waiting} of its ${lines.length} rows wait for a decision; confirm, write off or defer them`,
      { details: { waiting } },
    );
  }
  const figures = await figuresNow(db, orgId, period, now);
  await keepFigures(db, { orgId, period, now }, figures);
  const snapshot = [
    ...lines.toSorted((a, b) => (a.row_id < b.row_id ? -1 : 1)).map((line) => [line.row_id, lineOf(line)]),
    ["", printFigures(figures)],
  ] as [string, string][];
  const hash = hashOf(snapshot.map(([, line]) => line));
  const { closings } = await db
    .insertInto("accounting_periods")
    .values({
      org_id: orgId,
      period,
      state: "closed",
      closings: 1n,
      changed_at: now,
      changed_by: actor,
      reason: null,
      snapshot_hash: hash,
    })
    .onConflict((on) =>
      on.columns(["org_id", "period"]).doUpdateSet((row) => ({
        state: "closed",
        closings: row("accounting_periods.closings", "+", 1n),
        changed_at: now,
        changed_by: actor,
        reason: null,
        snapshot_hash: hash,
      })),
    )
    .returning("closings")
    .executeTakeFirstOrThrow();
  for (let at = 0; at < snapshot.length; at += atOnce) {
    await db
      .insertInto("period_snapshots")
      .values(
        snapshot
          .slice(at, at + atOnce)
          .map(([row_id, line]) => ({ org_id: orgId, period, closing: closings, row_id, line })),
      )
      .execute();
  }
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "period.closed",
    target: period,
    detail: `closing ${closings}; ${lines.length} rows; sha256 ${hash}`,
  });
}

/** Lets people decide about a closed month's rows again. The snapshots stay. */
export async function reopenPeriod(
  db: Writer,
  { orgId, period, actor, now, reason }: PeriodChange & { readonly reason: string },
): Promise<void> {
  const why = reason.trim();
  if (why === "" || why.length > longestReason) {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `reason: why the month is reopened, 1 to ${longestReason} characters`,
    );
  }
  await lockReconciliation(db, orgId);
  if (!(await isClosed(db, orgId, period)))
    throw new FlowstateError("FS_CONFLICT", `${period} is not closed`);
  await db
    .updateTable("accounting_periods")
    .set({ state: "reopened", changed_at: now, changed_by: actor, reason: why })
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .execute();
  await scheduleJob(db, orgId, `${reconcileJobs}${period}`, now);
  await recordAudit(db, { orgId, at: now, actor, action: "period.reopened", target: period, detail: why });
}

/** Whether the newest snapshot still is what was hashed when the month was closed; null where it never was. */
export async function verifySnapshot(db: Reader, orgId: OrgId, period: Period): Promise<boolean | null> {
  const state = await db
    .selectFrom("accounting_periods")
    .select(["closings", "snapshot_hash"])
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .executeTakeFirst();
  if (state === undefined) return null;
  const rows = await db
    .selectFrom("period_snapshots")
    .select(["row_id", "line"])
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .where("closing", "=", state.closings)
    .execute();
  const lines = rows.filter(({ row_id }) => row_id !== "").toSorted((a, b) => (a.row_id < b.row_id ? -1 : 1));
  const figures = rows.filter(({ row_id }) => row_id === "");
  return hashOf([...lines, ...figures].map(({ line }) => line)) === state.snapshot_hash;
}

function lineOf(line: StandingLine): string {
  return JSON.stringify([
    line.row_id,
    line.kind,
    line.service,
    line.subject,
    line.usage_day,
    formatUsd(line.amount_nano_usd as Parameters<typeof formatUsd>[0]),
    line.status,
    line.match_id,
  ]);
}

function hashOf(lines: readonly string[]): string {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest("hex");
}
