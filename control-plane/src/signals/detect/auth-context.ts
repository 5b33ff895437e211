import { sql } from "kysely";
import { dateOf, dayMs } from "@flowstate/shared/time";
import { isServiceAccount } from "../../service-accounts/subject.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Evidence, Finding, Scope } from "../finding.ts";
import { loadPersonDay } from "../person-days.ts";
import type { SignalSeverity } from "../types.ts";

/** Calls of one person on a device from which that is no mere trial. */
const leastCalls = 5;

/** Calls under another name than the device, the session or the directory says. */
export const authContext: Detector = {
  types: ["auth_context_mismatch"],
  cadence: "soon",
  async find(scope) {
    const gone = await loadGone(scope);
    const days = await overDays(scope, async (day) => [
      ...(await findSharedDevices(scope, day)),
      ...(await findGone(scope, day, gone)),
    ]);
    return [...days, ...(await findForeignSessions(scope))];
  },
};

async function findSharedDevices({ db, orgId, personOf }: Scope, day: Day): Promise<readonly Finding[]> {
  const rows = await db
    .selectFrom("calls")
    .select(["source", "subject", sql<bigint>`count(*)`.as("calls")])
    .where("org_id", "=", orgId)
    .where("occurred_at", ">=", day.from)
    .where("occurred_at", "<", day.to)
    .groupBy(["source", "subject"])
    .having(sql<bigint>`count(*)`, ">=", BigInt(leastCalls))
    .execute();
  const people = rows.filter(({ subject }) => !isServiceAccount(subject));
  return [...Map.groupBy(people, ({ source }) => source)].flatMap(([source, uses]) => {
    const names = [...new Set(uses.map(({ subject }) => personOf(subject)))].sort();
    if (names.length < 2) return [];
    return [finding("INFO", null, `device ${source}`, day, { device: source, people: names.slice(0, 10) })];
  });
}

/** Calls of people who, by the directory, had left at least a day before. */
async function findGone(
  { db, orgId, personOf }: Scope,
  day: Day,
  gone: ReadonlyMap<string, number>,
): Promise<readonly Finding[]> {
  const left = [...gone].filter(([, leftAt]) => leftAt + dayMs <= day.from);
  const rows = await loadPersonDay(
    db,
    orgId,
    day.date,
    left.map(([email]) => email),
  );
  return rows.map(({ subject, calls }) =>
    finding("WARN", personOf(subject), "left", day, {
      calls,
      leftBefore: dateOf(gone.get(subject) ?? day.from),
    }),
  );
}

/** When people who have left were last changed in the directory, by their address: they had left by then. */
async function loadGone({ db, orgId, namesOf }: Scope): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom("employees")
    .select(["email", "updated_at"])
    .where("org_id", "=", orgId)
    .where("active", "=", 0n)
    .execute();
  return new Map(rows.flatMap(({ email, updated_at }) => namesOf(email).map((name) => [name, updated_at])));
}

async function findForeignSessions({ db, orgId, from, to, personOf }: Scope): Promise<readonly Finding[]> {
  const rows = await db
    .selectFrom("quarantined_calls")
    .select(["subject", "source", "received_at"])
    .where("org_id", "=", orgId)
    .where("received_at", ">=", from)
    .where("received_at", "<", to)
    .where("reason", "=", "this session belongs to another person")
    .execute();
  const byDay = Map.groupBy(
    rows,
    ({ subject, received_at }) => `${personOf(subject)} ${dateOf(received_at)}`,
  );
  return [...byDay.values()].flatMap((reports) => {
    const [first] = reports;
    if (first === undefined) return [];
    const date = dateOf(first.received_at);
    const day: Day = { date, from: Date.parse(date), to: Date.parse(date) + dayMs };
    const devices = [...new Set(reports.map(({ source }) => source))].sort().slice(0, 10);
    const evidence = { reports: reports.length, devices };
    return [finding("WARN", personOf(first.subject), "another person's session", day, evidence)];
  });
}

function finding(
  severity: SignalSeverity,
  subject: string | null,
  about: string,
  day: Day,
  evidence: Evidence,
): Finding {
  return {
    type: "auth_context_mismatch",
    severity,
    subject,
    sessionId: null,
    service: null,
    about,
    occurrence: day.date,
    at: day.from,
    evidence: {
      kind: about.startsWith("device ") ? "one device, several people" : about,
      day: day.date,
      ...evidence,
    },
  };
}
