import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../audit/record.ts";
import type { Writer } from "../store/open.ts";
import { enqueueSignals } from "./delivery/outbox.ts";
import type { Signal } from "./queries.ts";
import type { SignalResolution } from "./types.ts";

export interface SignalVerdict {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
  readonly signalId: string;
  readonly resolution: SignalResolution;
  readonly note: string | null;
}

const longestNote = 2000;

/**
 * Settles a signal, with its audit entry. A later verdict takes the place of an earlier one; the same again changes
 * nothing. Throws FS_NOT_FOUND, and FS_INPUT_INVALID for a note that is too long.
 */
export async function resolveSignal(db: Writer, verdict: SignalVerdict): Promise<Signal> {
  const { orgId, actor, now, signalId, resolution } = verdict;
  const note = verdict.note?.trim() || null;
  if (note !== null && note.length > longestNote) {
    throw new FlowstateError("FS_INPUT_INVALID", `note: at most ${longestNote} characters`);
  }
  // The update that changes nothing holds the row, so that two verdicts follow each other.
  const before = await db
    .updateTable("signals")
    .set({ org_id: orgId })
    .where("org_id", "=", orgId)
    .where("signal_id", "=", signalId)
    .returningAll()
    .executeTakeFirst();
  if (before === undefined) throw new FlowstateError("FS_NOT_FOUND", "there is no signal with that id");
  if (before.resolution === resolution && before.note === note) return before;
  const change = { resolution, resolved_at: now, resolved_by: actor, note };
  await db
    .updateTable("signals")
    .set(change)
    .where("org_id", "=", orgId)
    .where("signal_id", "=", signalId)
    .execute();
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: `signal.${resolution.toLowerCase()}`,
    target: signalId,
    detail: [before.type, before.subject, note === null ? null : `note: ${note}`]
      .filter((part) => part !== null)
      .join("; "),
  });
  const after = { ...before, ...change };
  await enqueueSignals(db, orgId, "signal.resolved", [after], now);
  return after;
}
