import { sql } from "kysely";
import { servicesOfCall } from "../../catalogue/recognise.ts";
import { catalogueServices } from "../../catalogue/services.data.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";

const leastCalls = 5;

/** Tools that a person sits in front of. */
const interactiveTools = catalogueServices
  .filter(({ category }) => category === "Coding" || category === "Assistant")
  .flatMap(({ tools }) => tools);

export const offTopicProduction: Detector = {
  types: ["off_topic_production"],
  cadence: "soon",
  find: (scope) => overDays(scope, (day) => findOn(scope, day)),
};

async function findOn({ db, orgId }: Scope, day: Day): Promise<readonly Finding[]> {
  const calls = sql<bigint>`CAST(sum(usage_hours.calls) AS BIGINT)`;
  const rows = await db
    .selectFrom("usage_hours")
    .innerJoin("service_accounts", (join) =>
      join
        .onRef("service_accounts.org_id", "=", "usage_hours.org_id")
        .onRef("service_accounts.subject", "=", "usage_hours.subject"),
    )
    .select(["usage_hours.subject", "usage_hours.provider", "usage_hours.tool", calls.as("calls")])
    .select("service_accounts.intended_scope")
    .where("usage_hours.org_id", "=", orgId)
    .where("usage_hours.hour", ">=", day.from)
    .where("usage_hours.hour", "<", day.to)
    .where("service_accounts.environment", "=", "production")
    .where("usage_hours.tool", "in", interactiveTools)
    .groupBy([
      "usage_hours.subject",
      "usage_hours.provider",
      "usage_hours.tool",
      "service_accounts.intended_scope",
    ])
    .having(calls, ">=", BigInt(leastCalls))
    .execute();
  return rows.map((row) => ({
    type: "off_topic_production",
    severity: "INFO",
    subject: row.subject,
    sessionId: null,
    service: servicesOfCall(row.provider, row.tool)[0] ?? null,
    about: row.tool,
    occurrence: day.date,
    at: day.from,
    evidence: {
      day: day.date,
      tool: row.tool,
      calls: Number(row.calls),
      intendedScope: row.intended_scope,
    },
  }));
}
