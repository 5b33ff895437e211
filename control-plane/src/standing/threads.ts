import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodOf } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import type { Nudge } from "./standing.ts";
import type { StandingTables } from "./tables.ts";

export type Reply = StandingTables["nudge_replies"];

/** A nudge with what was said about it, the oldest first. */
export interface NudgeThread {
  readonly nudge: Nudge;
  readonly replies: readonly Reply[];
}

/** This month and the one before. */
const recentMs = 62 * dayMs;
const mostNudges = 2000;

/**
 * Nudges of the last two months, the newest first: of these addresses; or of everybody those alone that may concern
 * others, of tier 3 and above and with replies.
 */
export async function listThreads(
  db: Reader,
  orgId: OrgId,
  whose: readonly string[] | "shared",
  now: number,
): Promise<readonly NudgeThread[]> {
  let nudges = db
    .selectFrom("nudges")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("nudged_at", ">", now - recentMs);
  let replies = db
    .selectFrom("nudge_replies as reply")
    .innerJoin("nudges as nudge", (join) =>
      join.onRef("nudge.org_id", "=", "reply.org_id").onRef("nudge.nudge_id", "=", "reply.nudge_id"),
    )
    .selectAll("reply")
    .where("reply.org_id", "=", orgId)
    .where("nudge.nudged_at", ">", now - recentMs);
  if (whose === "shared") {
    nudges = nudges.where((where) =>
      where.or([
        where("tier", ">=", 3n),
        where("nudge_id", "in", (replied) =>
          replied.selectFrom("nudge_replies").select("nudge_id").where("org_id", "=", orgId),
        ),
      ]),
    );
  } else {
    nudges = nudges.where("subject", "in", whose);
    replies = replies.where("nudge.subject", "in", whose);
  }
  const [told, said] = await Promise.all([
    nudges.orderBy("nudged_at", "desc").orderBy("nudge_id").limit(mostNudges).execute(),
    replies.orderBy("reply.replied_at").orderBy("reply.reply_id").execute(),
  ]);
  const ofNudge = Map.groupBy(said, ({ nudge_id }) => nudge_id);
  return told.map((nudge) => ({ nudge, replies: ofNudge.get(nudge.nudge_id) ?? [] }));
}

/** One nudge with what was said about it. Throws FS_NOT_FOUND. */
export async function readThread(db: Reader, orgId: OrgId, nudgeId: string): Promise<NudgeThread> {
  const [nudge, replies] = await Promise.all([
    db
      .selectFrom("nudges")
      .selectAll()
      .where("org_id", "=", orgId)
      .where("nudge_id", "=", nudgeId)
      .executeTakeFirst(),
    db
      .selectFrom("nudge_replies")
      .selectAll()
      .where("org_id", "=", orgId)
      .where("nudge_id", "=", nudgeId)
      .orderBy("replied_at")
      .orderBy("reply_id")
      .execute(),
  ]);
  if (nudge === undefined) throw new FlowstateError("FS_NOT_FOUND", "this nudge is gone");
  return { nudge, replies };
}

/** How many nudges of this month a person has not answered. */
export async function countOpenNudges(
  db: Reader,
  orgId: OrgId,
  addresses: readonly string[],
  now: number,
): Promise<number> {
  const { nudges } = await db
    .selectFrom("nudges")
    .select((row) => row.fn.countAll<bigint>().as("nudges"))
    .where("org_id", "=", orgId)
    .where("period", "=", periodOf(now))
    .where("subject", "in", addresses)
    .where("answered_at", "is", null)
    .executeTakeFirstOrThrow();
  return Number(nudges);
}
