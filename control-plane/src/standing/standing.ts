import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { periodOf, type Period } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import { tierOf, type Reading, type StandingTrack, type Tier, type Told } from "./ladder.ts";
import { loadReadings, type Accountable } from "./readings.ts";
import type { StandingTables } from "./tables.ts";

export type Nudge = StandingTables["nudges"];

/** Where a person stands in a month, on one track. */
export interface TrackStanding {
  readonly person: Accountable;
  readonly track: StandingTrack;
  readonly period: Period;
  readonly tier: Tier;
  readonly reading: Reading;
  /** The month's nudges of this track. */
  readonly told: readonly Told[];
  readonly lastNudgeAt: number | null;
}

/** Derived anew each time from what is stored: the month's data, the nudges and their answers. */
export async function readStandings(
  db: Reader,
  orgId: OrgId,
  people: readonly Accountable[],
  now: number,
): Promise<readonly TrackStanding[]> {
  const period = periodOf(now);
  const [readings, nudges] = await Promise.all([
    loadReadings(db, orgId, people, period),
    loadNudges(db, orgId, people, period),
  ]);
  return people.flatMap((person) =>
    (readings.get(person.subject) ?? []).map((reading) => stand(person, reading, nudges, period, now)),
  );
}

/** The same data with what the person has been told, and has answered, meanwhile. */
export async function readAnew(
  db: Reader,
  orgId: OrgId,
  { person, reading, period }: TrackStanding,
  now: number,
): Promise<TrackStanding> {
  return stand(person, reading, await loadNudges(db, orgId, [person], period), period, now);
}

function stand(
  person: Accountable,
  reading: Reading,
  nudges: ReadonlyMap<string, readonly Nudge[]>,
  period: Period,
  now: number,
): TrackStanding {
  const { track } = reading;
  const told = person.addresses.flatMap((address) => nudges.get(`${track} ${address}`) ?? []).map(toldOf);
  const lastNudgeAt = told.length === 0 ? null : Math.max(...told.map(({ nudgedAt }) => nudgedAt));
  return { person, track, period, tier: tierOf(reading, told, now), reading, told, lastNudgeAt };
}

/** The signals that a nudge is about. */
export function signalIdsOf({ signal_ids }: Pick<Nudge, "signal_ids">): readonly string[] {
  return JSON.parse(signal_ids) as readonly string[];
}

function toldOf(nudge: Nudge): Told {
  return {
    tier: Number(nudge.tier),
    nudgedAt: nudge.nudged_at,
    answeredAt: nudge.answered_at,
    answeredAmount: nudge.answered_amount_nano_usd as NanoUsd | null,
    signalIds: signalIdsOf(nudge),
  };
}

async function loadNudges(
  db: Reader,
  orgId: OrgId,
  people: readonly Accountable[],
  period: Period,
): Promise<ReadonlyMap<string, readonly Nudge[]>> {
  let rows = db.selectFrom("nudges").selectAll().where("org_id", "=", orgId).where("period", "=", period);
  const [only, ...others] = people;
  if (only !== undefined && others.length === 0) rows = rows.where("subject", "in", only.addresses);
  return Map.groupBy(await rows.execute(), ({ track, subject }) => `${track} ${subject}`);
}
