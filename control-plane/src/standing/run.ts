import { setImmediate as breathe } from "node:timers/promises";
import { newId, type OrgId } from "@flowstate/shared/ids";
import { formatUsd } from "@flowstate/shared/money";
import { dateOf } from "@flowstate/shared/time";
import type { Clock } from "@flowstate/shared/clock";
import { recordAudit } from "../audit/record.ts";
import { signalIdOf, type Finding } from "../signals/finding.ts";
import { storeFindings } from "../signals/store-findings.ts";
import type { Store, Writer } from "../store/open.ts";
import { isNudgeDue, owedSince, ruleVersions, unanswered } from "./ladder.ts";
import { nudgeMessage } from "./message.ts";
import { loadAccountable } from "./readings.ts";
import { readAnew, readStandings, type TrackStanding } from "./standing.ts";

export interface NudgeServices {
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * Tells everybody what has changed about where they stand, at most once a track and UTC day, and takes back what is no
 * longer so. From tier 3 on off-project spend is a signal too. Returns how many were told.
 */
export async function runNudges({ store, clock }: NudgeServices, orgId: OrgId): Promise<number> {
  const now = clock.now();
  const people = await loadAccountable(store.reader, orgId);
  const standings = people.length === 0 ? [] : await readStandings(store.reader, orgId, people, now);
  const gone = standings.filter(
    ({ tier, told }) => tier === 0 && told.some(({ answeredAt }) => answeredAt === null),
  );
  const due = standings.filter(({ reading, told, tier }) => isNudgeDue(reading, told, tier));
  if (gone.length > 0) {
    await store.transact(async (db) => {
      for (const standing of gone) await clear(db, orgId, standing, now);
    });
  }
  let nudged = 0;
  for (let at = 0; at < due.length; at += chunk) {
    nudged += await store.transact((db) => nudgeAll(db, orgId, due.slice(at, at + chunk), now));
    // Everything else on this machine goes on in between.
    await breathe();
  }
  return nudged;
}

/** How many people are told in one transaction. */
const chunk = 50;

async function nudgeAll(
  db: Writer,
  orgId: OrgId,
  standings: readonly TrackStanding[],
  now: number,
): Promise<number> {
  let nudged = 0;
  for (const standing of standings) {
    if (await nudge(db, orgId, await readAnew(db, orgId, standing, now), now)) nudged += 1;
  }
  return nudged;
}

/** What the nudges were about is gone: nobody owes an answer to them. */
async function clear(
  db: Writer,
  orgId: OrgId,
  { person, track, period }: TrackStanding,
  now: number,
): Promise<void> {
  await db
    .updateTable("nudges")
    .set({ answer: "CLEARED", answered_at: now })
    .where("org_id", "=", orgId)
    .where("subject", "in", person.addresses)
    .where("track", "=", track)
    .where("period", "=", period)
    .where("answered_at", "is", null)
    .execute();
}

/** False where the person has answered meanwhile, or has been told today already. */
async function nudge(db: Writer, orgId: OrgId, standing: TrackStanding, now: number): Promise<boolean> {
  const { track, period, reading, tier, told } = standing;
  const { subject } = standing.person;
  if (tier === 0 || !isNudgeDue(reading, told, tier)) return false;
  const finding = findingOf(standing, now);
  const about =
    reading.track === "SIGNALS" ? unanswered(reading.open, told).map(({ signalId }) => signalId) : [];
  const inserted = await db
    .insertInto("nudges")
    .values({
      org_id: orgId,
      nudge_id: newId(now),
      subject,
      track,
      period,
      day: dateOf(now),
      rule_version: BigInt(ruleVersions[track]),
      tier: BigInt(tier),
      message: nudgeMessage(reading, tier),
      amount_nano_usd: reading.track === "OFF_PROJECT_SPEND" ? reading.amount : null,
      signal_ids: JSON.stringify(finding === null ? about : [signalIdOf(finding)]),
      nudged_at: now,
      answer: null,
      answered_at: null,
      answered_amount_nano_usd: null,
    })
    .onConflict((on) => on.columns(["org_id", "subject", "track", "day"]).doNothing())
    .returning("nudge_id")
    .executeTakeFirst();
  if (inserted === undefined) return false;
  if (finding !== null) await storeFindings(db, orgId, [finding], now);
  await recordAudit(db, {
    orgId,
    at: now,
    actor: "system",
    action: "nudge.sent",
    target: subject,
    detail: `${track}, tier ${tier}, ${inserted.nudge_id}`,
  });
  return true;
}

/** What others are told once an answer has been owed for a week: one signal for each time it is owed. */
function findingOf({ person, reading, tier, told, period }: TrackStanding, now: number): Finding | null {
  const since = owedSince(told);
  if (reading.track !== "OFF_PROJECT_SPEND" || tier < 3 || since === null) return null;
  return {
    type: "off_project_spend",
    severity: tier === 4 ? "WARN" : "INFO",
    subject: person.subject,
    sessionId: null,
    service: null,
    about: "",
    occurrence: dateOf(since),
    at: now,
    evidence: { month: period, listPriceUsd: formatUsd(reading.amount), askedOn: dateOf(since), tier },
  };
}
