import { sql } from "kysely";
import { addDays, type UsageDate } from "@flowstate/shared/time";
import { isServiceAccount } from "../../service-accounts/subject.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Evidence, Finding, Scope } from "../finding.ts";
import { hourColumn, loadPersonDay } from "../person-days.ts";

/** So many hours of two days in a row nobody works. */
const sleeplessHours = 20;
const leastDevices = 5;
const leastRefused = 100;

/** Accounts used as no one person could, and those that hammer at what is refused to them. */
export const abusePattern: Detector = {
  types: ["abuse_pattern"],
  cadence: "soon",
  async find(scope) {
    const watched = await loadWatched(scope);
    return overDays(scope, async (day) => [
      ...(await findSleepless(scope, day)),
      ...(await findCrowds(scope, day)),
      ...(await findHammering(scope, day, watched)),
    ]);
  },
};

async function findSleepless(scope: Scope, day: Day): Promise<readonly Finding[]> {
  const [before, now] = [await hoursOf(scope, addDays(day.date, -1)), await hoursOf(scope, day.date)];
  return [...now].flatMap(([person, hours]) => {
    const hoursBefore = before.get(person) ?? 0;
    if (hours < sleeplessHours || hoursBefore < sleeplessHours) return [];
    return [finding(person, day, "around the clock", { activeHours: hours, activeHoursBefore: hoursBefore })];
  });
}

/** Hours of the day in which a person was active under the busiest of their addresses. */
async function hoursOf(
  { db, orgId, personOf }: Scope,
  date: UsageDate,
): Promise<ReadonlyMap<string, number>> {
  const hours = new Map<string, number>();
  for (const { subject, activeHours } of await loadPersonDay(db, orgId, date)) {
    // A program may well be at work day and night, and on many machines.
    if (isServiceAccount(subject)) continue;
    const person = personOf(subject);
    hours.set(person, Math.max(activeHours, hours.get(person) ?? 0));
  }
  return hours;
}

async function findCrowds({ db, orgId, personOf }: Scope, day: Day): Promise<readonly Finding[]> {
  const hour = hourColumn("occurred_at");
  const rows = await db
    .selectFrom("calls")
    .select(["subject", hour.as("hour"), sql<bigint>`count(DISTINCT source)`.as("devices")])
    .where("org_id", "=", orgId)
    .where("occurred_at", ">=", day.from)
    .where("occurred_at", "<", day.to)
    .groupBy(["subject", hour])
    .having(sql<bigint>`count(DISTINCT source)`, ">=", BigInt(leastDevices))
    .execute();
  const people = rows.filter(({ subject }) => !isServiceAccount(subject));
  return [...Map.groupBy(people, ({ subject }) => personOf(subject))].flatMap(([person, hours]) => {
    const [most] = hours.sort((a, b) => Number(b.devices - a.devices));
    if (most === undefined) return [];
    const evidence = { devices: Number(most.devices), hour: new Date(most.hour).toISOString() };
    return [finding(person, day, "many devices at once", evidence)];
  });
}

/** Refused for lack of rights, or for too many requests, again and again within an hour. */
async function findHammering(
  { db, orgId, personOf }: Scope,
  day: Day,
  watched: Watched,
): Promise<readonly Finding[]> {
  const hour = hourColumn("occurred_at");
  const refused = sql<bigint>`CAST(sum(CASE WHEN status IN (401, 403, 429) THEN 1 ELSE 0 END) AS BIGINT)`;
  const rows = await db
    .selectFrom("calls")
    .select(["subject", hour.as("hour"), refused.as("refused"), sql<bigint>`count(*)`.as("calls")])
    .where("org_id", "=", orgId)
    .where("occurred_at", ">=", day.from)
    .where("occurred_at", "<", day.to)
    .groupBy(["subject", hour])
    .having(refused, ">=", BigInt(leastRefused))
    .execute();
  const heavy = rows.filter((row) => row.refused * 2n >= row.calls && watched(row.subject));
  return [...Map.groupBy(heavy, ({ subject }) => personOf(subject))].flatMap(([person, hours]) => {
    const [most] = hours.sort((a, b) => Number(b.refused - a.refused));
    if (most === undefined) return [];
    const evidence = {
      refusedCalls: Number(most.refused),
      calls: Number(most.calls),
      hour: new Date(most.hour).toISOString(),
    };
    return [finding(person, day, "hammering", evidence)];
  });
}

function finding(person: string, day: Day, kind: string, evidence: Evidence): Finding {
  return {
    type: "abuse_pattern",
    severity: "WARN",
    subject: person,
    sessionId: null,
    service: null,
    about: kind,
    occurrence: day.date,
    at: day.from,
    evidence: { kind, day: day.date, ...evidence },
  };
}

type Watched = (subject: string) => boolean;

/** People, and service accounts whose abuse detection is on. */
async function loadWatched({ db, orgId }: Scope): Promise<Watched> {
  const rows = await db
    .selectFrom("service_accounts")
    .select("subject")
    .where("org_id", "=", orgId)
    .where("abuse_detection", "=", 0n)
    .execute();
  const spared = new Set(rows.map(({ subject }) => subject));
  return (subject) => !spared.has(subject);
}
