import { formatUsd } from "@flowstate/shared/money";
import type { Reading, Tier } from "./ladder.ts";

/** What a nudge says: what was seen, and what is asked for. */
export function nudgeMessage(reading: Reading, tier: Exclude<Tier, 0>): string {
  return `${seen(reading)} ${asked[tier]}`;
}

const asked = {
  1: "Nothing is required of you.",
  2: "Please acknowledge it, or reply. Nobody else has been told; a reply can be read by your manager.",
  3: "It has gone unanswered for a week, so your manager can see it, and reads your reply.",
  4: "It has gone unanswered for two weeks, so whoever looks after AI governance can see it, and reads your reply.",
} as const;

function seen(reading: Reading): string {
  if (reading.track === "OFF_PROJECT_SPEND")
    return `Your calls of this month that belong to no project come to $${formatUsd(reading.amount)} at list price. Marking their sessions as a project's lowers it.`;
  const { length } = reading.open;
  const signals = length === 1 ? "One signal about you is" : `${length} signals about you are`;
  return `${signals} open this month.`;
}
