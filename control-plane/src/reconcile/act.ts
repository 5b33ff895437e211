import type { OrgId } from "@flowstate/shared/ids";
import { FlowstateError } from "@flowstate/shared/errors";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { addMonths, periodBounds, periodOf, type Period } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { requireOpen } from "../ledger/period.ts";
import { postRow } from "../ledger/post.ts";
import { scheduleJob } from "../store/jobs.ts";
import type { Writer } from "../store/open.ts";
import { exchange } from "./figures.ts";
import { lockReconciliation } from "./lock.ts";
import { figuresOfMatch, keepFigures, keptAsOf } from "./month.ts";
import { moveOf, type Action, type Status } from "./status.ts";
import { untouchedRow } from "./untouched.ts";

export interface ReconciliationAct {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
  readonly rowId: string;
  readonly action: Action;
  readonly note: string | null;
  /** What the person saw; another status by now is a conflict. */
  readonly expectedStatus: Status | null;
  /** The same key again answers with the row and changes nothing. */
  readonly idempotencyKey: string | null;
}

/** Jobs that match a month anew after somebody has freed or taken away a row, named `reconcile/2026-11`. */
export const reconcileJobs = "reconcile/";

const longestNote = 2000;

const journalKinds = {
  CONFIRM: "confirmation",
  WRITE_OFF: "write_off",
  DEFER: "deferral",
  REOPEN: "reversal",
} as const;

/**
 * Does one action on one row, with its journal and audit entry, or nothing at all. Throws FS_NOT_FOUND, FS_INPUT_INVALID for a
 * missing note, and FS_CONFLICT when the row is not (or no longer) where the action starts from.
 */
export async function actOnRow(db: Writer, act: ReconciliationAct): Promise<void> {
  const { orgId, rowId, action, now } = act;
  const note = act.note?.trim() ?? "";
  if (action === "WRITE_OFF" && note === "") {
    throw new FlowstateError("FS_INPUT_INVALID", "note: a write-off needs a note that says why");
  }
  if (note.length > longestNote) {
    throw new FlowstateError("FS_INPUT_INVALID", `note: at most ${longestNote} characters`);
  }
  if (act.idempotencyKey !== null && !(await claimKey(db, act, act.idempotencyKey))) return;
  await lockReconciliation(db, orgId);
  const row = await standingOf(db, orgId, rowId, now);
  if (act.expectedStatus !== null && act.expectedStatus !== row.status) {
    throw new FlowstateError("FS_CONFLICT", `the row is ${row.status} by now, not ${act.expectedStatus}`, {
      details: { status: row.status },
    });
  }
  await requireOpen(db, orgId, row.period);
  const next = moveOf(row.status, action);
  if (next === null) {
    throw new FlowstateError("FS_CONFLICT", `${action} is not possible from ${row.status}`, {
      details: { status: row.status },
    });
  }
  const kept = await keptAsOf(db, orgId, row.period);
  const of = { rowId, matchId: row.matchId };
  const before =
    kept === null ? null : await figuresOfMatch(db, { orgId, period: row.period }, of, kept.asOf);
  const deferredTo = next === "deferred" ? addMonths(later(row.period, periodOf(now)), 1) : null;
  await db
    .updateTable("reconciliation_rows")
    .set({
      status: next,
      version: row.version + 1n,
      note: note === "" ? null : note,
      deferred_to: deferredTo,
      match_id: next === "confirmed" ? row.matchId : null,
      confirmed_nano_usd: next === "confirmed" ? row.amount : null,
      updated_at: now,
    })
    .where("org_id", "=", orgId)
    .where("row_id", "=", rowId)
    .execute();
  await postRow(db, { orgId, rowId, kind: journalKinds[action], actor: act.actor, now });
  if (kept !== null && before !== null) {
    const after = await figuresOfMatch(db, { orgId, period: row.period }, of, kept.asOf);
    const figures = exchange(kept.figures, before, after);
    await keepFigures(db, { orgId, period: row.period, now: kept.asOf }, figures);
  }
  if (next !== "confirmed") await scheduleJob(db, orgId, `${reconcileJobs}${row.period}`, now);
  if (deferredTo !== null) {
    await scheduleJob(db, orgId, `${reconcileJobs}${deferredTo}`, periodBounds(deferredTo).from);
  }
  await recordAudit(db, {
    orgId,
    at: now,
    actor: act.actor,
    action: `reconciliation.${next === "unreconciled" ? "reopened" : next}`,
    target: rowId,
    detail: [
      `${row.status} -> ${next}`,
      `${formatUsd(row.amount)} USD`,
      ...(deferredTo === null ? [] : [`until ${deferredTo}`]),
      ...(note === "" ? [] : [`note: ${note}`]),
    ].join("; "),
  });
}

/** False when the key was used before. The unique row makes two uses at once follow each other. */
async function claimKey(
  db: Writer,
  { orgId, rowId, action, now }: ReconciliationAct,
  idempotencyKey: string,
): Promise<boolean> {
  if (!/^[\x21-\x7e]{1,100}$/.test(idempotencyKey)) {
    throw new FlowstateError("FS_INPUT_INVALID", "idempotencyKey: 1 to 100 visible ASCII characters");
  }
  const claimed = await db
    .insertInto("reconciliation_actions")
    .values({ org_id: orgId, idempotency_key: idempotencyKey, row_id: rowId, action, acted_at: now })
    .onConflict((on) => on.doNothing())
    .returning("row_id")
    .executeTakeFirst();
  if (claimed !== undefined) return true;
  const earlier = await db
    .selectFrom("reconciliation_actions")
    .select(["row_id", "action"])
    .where("org_id", "=", orgId)
    .where("idempotency_key", "=", idempotencyKey)
    .executeTakeFirstOrThrow();
  if (earlier.row_id === rowId && earlier.action === action) return false;
  throw new FlowstateError("FS_CONFLICT", "idempotencyKey: it was used for another action");
}

interface LockedRow {
  readonly status: Status;
  readonly version: bigint;
  readonly period: Period;
  readonly matchId: string | null;
  readonly amount: NanoUsd;
}

/** The row as it stands. A row that no run has seen yet begins to stand here. */
async function standingOf(db: Writer, orgId: OrgId, rowId: string, now: number): Promise<LockedRow> {
  const bill = await db
    .selectFrom("billing_rows")
    .select(["period", "amount_nano_usd"])
    .where("org_id", "=", orgId)
    .where("row_id", "=", rowId)
    .where("grade", "=", "billed")
    .where("withdrawn_at", "is", null)
    .executeTakeFirst();
  if (bill === undefined) throw new FlowstateError("FS_NOT_FOUND", "there is no billing row with that id");
  const row = await db
    .insertInto("reconciliation_rows")
    .values(untouchedRow(orgId, { rowId, period: bill.period as Period, now }))
    .onConflict((on) => on.columns(["org_id", "row_id"]).doUpdateSet({ org_id: orgId }))
    .returning(["status", "version", "period", "match_id"])
    .executeTakeFirstOrThrow();
  return {
    status: row.status,
    version: row.version,
    period: row.period as Period,
    matchId: row.match_id,
    amount: bill.amount_nano_usd as NanoUsd,
  };
}

function later(a: Period, b: Period): Period {
  return a > b ? a : b;
}
