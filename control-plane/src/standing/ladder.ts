/** The rules of standing, which docs/standing.md explains: pure, so that the same facts give the same tier. */
import { zeroUsd, type NanoUsd } from "@flowstate/shared/money";
import { dayMs } from "@flowstate/shared/time";

export type StandingTrack = "OFF_PROJECT_SPEND" | "SIGNALS";

/** Grows when the track's rule changes. */
export const ruleVersions: Readonly<Record<StandingTrack, number>> = { OFF_PROJECT_SPEND: 1, SIGNALS: 1 };

/** 0 clear, 1 heads-up, 2 acknowledgement required, 3 manager involved, 4 escalated. */
export type Tier = 0 | 1 | 2 | 3 | 4;

const headsUpNanoUsd = 50_000_000_000n;
/** So much more than at the last answer takes another one. */
const answerNanoUsd = 200_000_000_000n;
/** So many signals to answer take it however slight each of them is. */
const manySignals = 3;
const managerAfterMs = 7 * dayMs;
const escalatedAfterMs = 14 * dayMs;

/** A signal about a person that nobody has settled. */
export interface OpenSignal {
  readonly signalId: string;
  readonly severity: "WARN" | "BLOCK";
  /** When it was last seen to have grown. */
  readonly updatedAt: number;
}

/** What the data of a month says of a person. */
export type Reading =
  | { readonly track: "OFF_PROJECT_SPEND"; readonly amount: NanoUsd }
  | { readonly track: "SIGNALS"; readonly open: readonly OpenSignal[] };

/** A nudge of the same month and track. */
export interface Told {
  readonly tier: number;
  readonly nudgedAt: number;
  readonly answeredAt: number | null;
  /** What the month had come to when it was answered. */
  readonly answeredAmount: NanoUsd | null;
  readonly signalIds: readonly string[];
}

/** Where a person stands: what the data asks for, and how long an answer has been owed. */
export function tierOf(reading: Reading, told: readonly Told[], now: number): Tier {
  const asked = askedBy(reading, told);
  if (asked < 2) return asked;
  const since = owedSince(told);
  if (since === null || now - since < managerAfterMs) return 2;
  return now - since < escalatedAfterMs ? 3 : 4;
}

/** When an answer was first asked for that is still owed; nobody climbs who was not told. */
export function owedSince(told: readonly Told[]): number | null {
  const open = told.filter(({ tier, answeredAt }) => tier >= 2 && answeredAt === null);
  return open.length === 0 ? null : Math.min(...open.map(({ nudgedAt }) => nudgedAt));
}

/** Whether the person has still to be told; that it is at most once a day is the caller's to see to. */
export function isNudgeDue(reading: Reading, told: readonly Told[], tier: Tier): boolean {
  if (tier === 0) return false;
  if (tier >= 2) return !told.some((each) => each.answeredAt === null && each.tier >= tier);
  if (reading.track === "OFF_PROJECT_SPEND") return told.length === 0;
  return unanswered(reading.open, told).some(
    ({ signalId, updatedAt }) =>
      !told.some(({ nudgedAt, signalIds }) => nudgedAt >= updatedAt && signalIds.includes(signalId)),
  );
}

function askedBy(reading: Reading, told: readonly Told[]): 0 | 1 | 2 {
  if (reading.track === "OFF_PROJECT_SPEND") {
    if (reading.amount < headsUpNanoUsd) return 0;
    return reading.amount - answeredAmount(told) >= answerNanoUsd ? 2 : 1;
  }
  const pending = unanswered(reading.open, told);
  if (pending.length >= manySignals || pending.some(({ severity }) => severity === "BLOCK")) return 2;
  return reading.open.length > 0 ? 1 : 0;
}

/**
 * Signals that no answered nudge was about, and those that have grown since. A grave one stays open after its person has
 * answered.
 */
export function unanswered(open: readonly OpenSignal[], told: readonly Told[]): readonly OpenSignal[] {
  return open.filter(
    ({ signalId, updatedAt }) =>
      !told.some(
        ({ answeredAt, signalIds }) =>
          answeredAt !== null && answeredAt >= updatedAt && signalIds.includes(signalId),
      ),
  );
}

/** What the month had come to at the last answer. */
function answeredAmount(told: readonly Told[]): NanoUsd {
  const answers = told.filter(({ answeredAt }) => answeredAt !== null);
  const last = answers.toSorted((a, b) => (b.answeredAt ?? 0) - (a.answeredAt ?? 0))[0];
  return last?.answeredAmount ?? zeroUsd;
}
