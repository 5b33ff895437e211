import { sql } from "kysely";
import { serviceOfHost } from "../../catalogue/recognise.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";

/** One or two are what a shared connection of a browser makes now and then. */
const leastTunnels = 3;
const noteworthyTunnels = 20;

export const sniMismatch: Detector = {
  types: ["sni_mismatch"],
  cadence: "soon",
  find: (scope) => overDays(scope, (day) => findOn(scope, day)),
};

async function findOn({ db, orgId, personOf }: Scope, day: Day): Promise<readonly Finding[]> {
  const mismatches = sql<bigint>`CAST(sum(sni_mismatch) AS BIGINT)`;
  const rows = await db
    .selectFrom("meter_hours")
    .select(["subject", "host", mismatches.as("mismatches")])
    .select(sql<bigint>`CAST(sum(tunnels) AS BIGINT)`.as("tunnels"))
    .where("org_id", "=", orgId)
    .where("hour", ">=", day.from)
    .where("hour", "<", day.to)
    .groupBy(["subject", "host"])
    .having(mismatches, ">=", BigInt(leastTunnels))
    .execute();
  return rows.map((row) => ({
    type: "sni_mismatch",
    severity: row.mismatches >= BigInt(noteworthyTunnels) ? "WARN" : "INFO",
    subject: personOf(row.subject),
    sessionId: null,
    service: serviceOfHost(row.host),
    about: row.host,
    occurrence: day.date,
    at: day.from,
    evidence: {
      day: day.date,
      askedFor: row.host,
      mismatchedTunnels: Number(row.mismatches),
      tunnels: Number(row.tunnels),
    },
  }));
}
