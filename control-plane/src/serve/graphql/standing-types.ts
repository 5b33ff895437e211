import type { NanoUsd } from "@flowstate/shared/money";
import { dateOf, periodBounds } from "@flowstate/shared/time";
import { ruleVersions, type StandingTrack } from "../../standing/ladder.ts";
import type { TrackStanding } from "../../standing/standing.ts";
import type { NudgeAnswer, ReplyKind } from "../../standing/tables.ts";
import type { SharedStanding } from "../../standing/team.ts";
import type { NudgeThread, Reply } from "../../standing/threads.ts";
import type { Builder } from "./builder.ts";

/** Types of tracks, nudges and what is said about them. */
export function addStandingTypes(builder: Builder) {
  const TrackName = builder.enumType("AiStandingTrack", {
    description: "what somebody's standing is about",
    values: {
      OFF_PROJECT_SPEND: { description: "this month's calls that belong to no project, at list price" },
      SIGNALS: { description: "this month's open signals about what the person did" },
    } satisfies Record<StandingTrack, { description: string }>,
  });
  const Answer = builder.enumType("AiNudgeAnswer", {
    description: "what ended a nudge",
    values: {
      ACKNOWLEDGED: { description: "the person has seen it" },
      REPLIED: { description: "the person has replied" },
      MARKED: { description: "the person has marked sessions as a project's" },
      CLEARED: { description: "what it was about is gone" },
    } satisfies Record<NudgeAnswer, { description: string }>,
  });
  const Kind = builder.enumType("AiNudgeReplyKind", {
    description: "who speaks",
    values: {
      SUBJECT_RESPONSE: { description: "whom the nudge is about" },
      MANAGER_RESPONSE: { description: "a manager, or who looks after AI governance" },
    } satisfies Record<ReplyKind, { description: string }>,
  });

  const Track = builder.objectRef<TrackStanding>("AiTrackStanding").implement({
    description: "where a person stands on one track in the current month",
    fields: (t) => ({
      track: t.field({ type: TrackName, description: "which one", resolve: ({ track }) => track }),
      rule: t.string({
        description: "name and version of the rule",
        resolve: ({ track }) => `${track.toLowerCase()}/${ruleVersions[track]}`,
      }),
      tier: t.int({
        description: "0 clear, 1 heads-up, 2 acknowledgement required, 3 manager involved, 4 escalated",
        resolve: ({ tier }) => tier,
      }),
      periodStart: t.field({
        type: "Date",
        description: "first day of the month",
        resolve: ({ period }) => dateOf(periodBounds(period).from),
      }),
      amountUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "what the month has come to; null where the track counts signals",
        resolve: ({ reading }) => (reading.track === "OFF_PROJECT_SPEND" ? reading.amount : null),
      }),
      openSignals: t.int({
        nullable: true,
        description: "how many there are; null where the track is about money",
        resolve: ({ reading }) => (reading.track === "SIGNALS" ? reading.open.length : null),
      }),
      lastNudgeAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "when the person was last told this month; null for never",
        resolve: ({ lastNudgeAt }) => lastNudgeAt,
      }),
    }),
  });

  const ReplyType = builder.objectRef<Reply>("AiNudgeReply").implement({
    description: "what somebody said about a nudge",
    fields: (t) => ({
      kind: t.field({ type: Kind, description: "who speaks", resolve: ({ kind }) => kind }),
      author: t.exposeString("author", { description: "their address" }),
      text: t.exposeString("text", { description: "what they said" }),
      at: t.field({ type: "DateTime", description: "when", resolve: ({ replied_at }) => replied_at }),
    }),
  });

  const Nudge = builder.objectRef<NudgeThread>("AiNudge").implement({
    description: "what a person was told about where they stand",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ nudge }) => nudge.nudge_id }),
      track: t.field({ type: TrackName, description: "about what", resolve: ({ nudge }) => nudge.track }),
      tier: t.int({ description: "as it was then", resolve: ({ nudge }) => Number(nudge.tier) }),
      message: t.string({ description: "what was said", resolve: ({ nudge }) => nudge.message }),
      amountUsd: t.field({
        type: "Usd",
        nullable: true,
        description: "what the month had come to; null where the track counts signals",
        resolve: ({ nudge }) => nudge.amount_nano_usd as NanoUsd | null,
      }),
      nudgedAt: t.field({ type: "DateTime", description: "when", resolve: ({ nudge }) => nudge.nudged_at }),
      answer: t.field({
        type: Answer,
        nullable: true,
        description: "what ended it; null while nothing has",
        resolve: ({ nudge }) => nudge.answer,
      }),
      answeredAt: t.field({
        type: "DateTime",
        nullable: true,
        description: "when it ended; null while it has not",
        resolve: ({ nudge }) => nudge.answered_at,
      }),
      replies: t.field({
        type: [ReplyType],
        description: "what was said about it, the oldest first",
        resolve: ({ replies }) => [...replies],
      }),
    }),
  });

  const Shared = builder.objectRef<SharedStanding>("AiSharedStanding").implement({
    description: "what somebody else is shown of where a person stands",
    fields: (t) => ({
      subject: t.string({ description: "the person", resolve: ({ standing }) => standing.person.subject }),
      standing: t.field({ type: Track, description: "now", resolve: ({ standing }) => standing }),
      nudges: t.field({
        type: [Nudge],
        description: "those of the last two months that the caller may see, the newest first",
        resolve: ({ threads }) => [...threads],
      }),
    }),
  });
  return { Track, Nudge, Shared };
}
