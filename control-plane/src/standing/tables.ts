import type { StandingTrack } from "./ladder.ts";

export interface StandingTables {
  /** What a person was told about where they stand; at most one of a track on a UTC day. */
  nudges: {
    org_id: string;
    nudge_id: string;
    /** The person's own address, as the directory had it. */
    subject: string;
    track: StandingTrack;
    period: string;
    /** UTC day. */
    day: string;
    /** Of the track's rule. */
    rule_version: bigint;
    /** From 1 to 4, as it was then. */
    tier: bigint;
    message: string;
    /** What the month had come to; null where the track counts signals. */
    amount_nano_usd: bigint | null;
    /** JSON: the signals that it is about, which an answer settles. */
    signal_ids: string;
    nudged_at: number;
    /** Null while the person owes none. */
    answer: NudgeAnswer | null;
    answered_at: number | null;
    /** What the month had come to then. */
    answered_amount_nano_usd: bigint | null;
  };
  /** What was said about a nudge, by its person and by whoever may see it. */
  nudge_replies: {
    org_id: string;
    reply_id: string;
    nudge_id: string;
    kind: ReplyKind;
    /** Address of who wrote it. */
    author: string;
    text: string;
    replied_at: number;
  };
}

/** `CLEARED`: what it was about is gone without the person's doing. */
export type NudgeAnswer = "ACKNOWLEDGED" | "REPLIED" | "MARKED" | "CLEARED";

export type ReplyKind = "SUBJECT_RESPONSE" | "MANAGER_RESPONSE";
