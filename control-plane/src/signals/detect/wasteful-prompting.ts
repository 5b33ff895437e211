import { sql } from "kysely";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { servicesOfCall } from "../../catalogue/recognise.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";

const leastCalls = 10n;
const leastInputTokens = 2_000_000n;
/** Of the input, at most a twentieth came from a cache; the output is at most a two-hundredth of it. */
const cacheParts = 20n;
const outputParts = 200n;
const noteworthyNanoUsd = 20_000_000_000n;

export const wastefulPrompting: Detector = {
  types: ["wasteful_prompting"],
  cadence: "soon",
  find: (scope) => overDays(scope, (day) => findOn(scope, day)),
};

async function findOn(scope: Scope, { from, to }: Day): Promise<readonly Finding[]> {
  const { db, orgId, personOf } = scope;
  const sessions = await db
    .selectFrom("sessions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("started_at", ">=", from)
    .where("started_at", "<", to)
    .where("calls", ">=", leastCalls)
    .where("input_tokens", ">=", leastInputTokens)
    .where(
      sql<bigint>`cache_read_tokens * ${sql.lit(Number(cacheParts))}`,
      "<=",
      sql.ref<bigint>("input_tokens"),
    )
    .where(
      sql<bigint>`output_tokens * ${sql.lit(Number(outputParts))}`,
      "<=",
      sql.ref<bigint>("input_tokens"),
    )
    .execute();
  const findings: Finding[] = [];
  for (const session of sessions) {
    if (!(await isCacheKnown(scope, session.session_id))) continue;
    findings.push({
      type: "wasteful_prompting",
      severity: session.cost_nano_usd >= noteworthyNanoUsd ? "WARN" : "INFO",
      subject: personOf(session.subject),
      sessionId: session.session_id,
      service: servicesOfCall(session.provider, session.tool)[0] ?? null,
      about: session.tool,
      occurrence: "",
      at: session.started_at,
      evidence: {
        calls: Number(session.calls),
        inputTokens: String(session.input_tokens),
        cacheReadTokens: String(session.cache_read_tokens),
        outputTokens: String(session.output_tokens),
        costUsd: formatUsd(session.cost_nano_usd as NanoUsd),
      },
    });
  }
  return findings;
}

/** Tools that say nothing of caches leave the count unknown, and what is unknown is no waste. */
async function isCacheKnown({ db, orgId }: Scope, sessionId: string): Promise<boolean> {
  const row = await db
    .selectFrom("calls")
    .select([sql<bigint>`count(*)`.as("calls"), sql<bigint>`count(cache_read_tokens)`.as("known")])
    .where("org_id", "=", orgId)
    .where("session_id", "=", sessionId)
    .executeTakeFirst();
  return row !== undefined && row.known * 5n >= row.calls * 4n;
}
