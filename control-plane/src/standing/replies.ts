import { FlowstateError } from "@flowstate/shared/errors";
import { newId } from "@flowstate/shared/ids";
import { hourMs } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import type { Writer } from "../store/open.ts";
import { answerNudges, type Answering } from "./answer.ts";
import type { Nudge } from "./standing.ts";
import type { ReplyKind } from "./tables.ts";

const mostCharacters = 1000;
const mostPerHour = 20;

/**
 * Keeps what somebody says about a nudge; its person's word is an answer to it. Who may speak of it is the caller's to
 * decide. Throws FS_INPUT_INVALID, and FS_RATE_LIMITED after twenty replies of one person within an hour.
 */
export async function replyToNudge(
  db: Writer,
  answering: Answering,
  nudge: Nudge,
  given: string,
): Promise<void> {
  const { orgId, actor, now, person } = answering;
  const text = given.trim();
  if (text === "" || text.length > mostCharacters)
    throw new FlowstateError("FS_INPUT_INVALID", `text takes 1 to ${mostCharacters} characters`);
  const kind: ReplyKind = person.addresses.includes(nudge.subject) ? "SUBJECT_RESPONSE" : "MANAGER_RESPONSE";
  const author = person.subject;
  await db
    .insertInto("nudge_replies")
    .values({
      org_id: orgId,
      reply_id: newId(now),
      nudge_id: nudge.nudge_id,
      kind,
      author,
      text,
      replied_at: now,
    })
    .execute();
  const { replies } = await db
    .selectFrom("nudge_replies")
    .select((row) => row.fn.countAll<bigint>().as("replies"))
    .where("org_id", "=", orgId)
    .where("author", "=", author)
    .where("replied_at", ">", now - hourMs)
    .executeTakeFirstOrThrow();
  if (replies > mostPerHour)
    throw new FlowstateError("FS_RATE_LIMITED", `at most ${mostPerHour} replies within an hour`);
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "nudge_reply.added",
    target: nudge.nudge_id,
    detail: `${kind} about ${nudge.track} of ${nudge.subject}`,
  });
  if (kind === "SUBJECT_RESPONSE") await answerNudges(db, answering, nudge, "REPLIED");
}
