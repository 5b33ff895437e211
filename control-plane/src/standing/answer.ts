import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { periodOf, type Period } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { resolveSignal } from "../signals/resolve.ts";
import type { Reader, Writer } from "../store/open.ts";
import { readOffProject, type Accountable } from "./readings.ts";
import { signalIdsOf, type Nudge } from "./standing.ts";
import type { NudgeAnswer } from "./tables.ts";

export interface Answering {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
  readonly person: Accountable;
}

/** Says that one has seen a nudge; the same again changes nothing. Throws FS_NOT_FOUND for what is not one's own. */
export async function acknowledgeNudge(db: Writer, answering: Answering, nudgeId: string): Promise<void> {
  const nudge = await findOwnNudge(db, answering, nudgeId);
  if (nudge === null) throw new FlowstateError("FS_NOT_FOUND", `you have no nudge "${nudgeId.slice(0, 40)}"`);
  await answerNudges(db, answering, nudge, "ACKNOWLEDGED");
}

/** Null for what there is not, and for somebody else's. */
export async function findOwnNudge(
  db: Reader,
  { orgId, person }: Pick<Answering, "orgId" | "person">,
  nudgeId: string,
): Promise<Nudge | null> {
  const nudge = await db
    .selectFrom("nudges")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("nudge_id", "=", nudgeId)
    .where("subject", "in", person.addresses)
    .executeTakeFirst();
  return nudge ?? null;
}

/** Answers a nudge and those of its track and month before it, and settles the signals that they are about. */
export async function answerNudges(
  db: Writer,
  answering: Answering,
  upTo: Pick<Nudge, "track" | "period" | "nudged_at">,
  answer: Exclude<NudgeAnswer, "CLEARED">,
): Promise<void> {
  const { orgId, actor, now, person } = answering;
  const amount =
    upTo.track === "OFF_PROJECT_SPEND"
      ? await readOffProject(db, orgId, person, upTo.period as Period)
      : null;
  const answered = await db
    .updateTable("nudges")
    .set({ answer, answered_at: now, answered_amount_nano_usd: amount })
    .where("org_id", "=", orgId)
    .where("subject", "in", person.addresses)
    .where("track", "=", upTo.track)
    .where("period", "=", upTo.period)
    .where("nudged_at", "<=", upTo.nudged_at)
    .where("answered_at", "is", null)
    .returning(["nudge_id", "tier", "signal_ids"])
    .execute();
  for (const { nudge_id, tier } of answered.toSorted((a, b) => (a.nudge_id < b.nudge_id ? -1 : 1)))
    await recordAudit(db, {
      orgId,
      at: now,
      actor,
      action: `nudge.${answer.toLowerCase()}`,
      target: nudge_id,
      detail: `${upTo.track}, tier ${tier}`,
    });
  const signalIds = new Set(answered.flatMap(signalIdsOf));
  for (const signalId of signalIds) await settle(db, answering, signalId, noteOf[answer]);
}

const noteOf = {
  ACKNOWLEDGED: "acknowledged by whom it is about",
  REPLIED: "whom it is about has replied",
  MARKED: "whom it is about has said which project it was for",
} as const;

/** A signal of severity BLOCK takes somebody else's verdict: its person's answer is noted on it, and it stays open. */
async function settle(
  db: Writer,
  { orgId, actor, now, person }: Answering,
  signalId: string,
  note: string,
): Promise<void> {
  const signal = await db
    .selectFrom("signals")
    .select(["severity", "resolution"])
    .where("org_id", "=", orgId)
    .where("signal_id", "=", signalId)
    .executeTakeFirst();
  if (signal === undefined || signal.resolution !== null) return;
  if (signal.severity !== "BLOCK") {
    // Under the address by which the signal names them: should it become graver, their own word does not hold.
    const verdict = {
      orgId,
      actor: person.subject,
      now,
      signalId,
      resolution: "ACKNOWLEDGED" as const,
      note,
    };
    await resolveSignal(db, verdict);
    return;
  }
  await db
    .updateTable("signals")
    .set({ note: `${note} on ${new Date(now).toISOString()}` })
    .where("org_id", "=", orgId)
    .where("signal_id", "=", signalId)
    .where("resolution", "is", null)
    .execute();
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "signal.answered",
    target: signalId,
    detail: note,
  });
}

/** Runs a marking of sessions: where it lowers what belongs to no project this month, it answers the nudges about it. */
export async function answerByMarking(
  db: Writer,
  answering: Answering,
  mark: () => Promise<void>,
): Promise<void> {
  const { orgId, now, person } = answering;
  const period = periodOf(now);
  const open = await db
    .selectFrom("nudges")
    .select("nudge_id")
    .where("org_id", "=", orgId)
    .where("subject", "in", person.addresses)
    .where("track", "=", "OFF_PROJECT_SPEND")
    .where("period", "=", period)
    .where("answered_at", "is", null)
    .limit(1)
    .executeTakeFirst();
  const amount = async (): Promise<NanoUsd | null> =>
    open === undefined ? null : readOffProject(db, orgId, person, period);
  const before = await amount();
  await mark();
  const after = await amount();
  if (before === null || after === null || after >= before) return;
  await answerNudges(db, answering, { track: "OFF_PROJECT_SPEND", period, nudged_at: now }, "MARKED");
}
