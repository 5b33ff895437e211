import { sql } from "kysely";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { servicesOfCall } from "../../catalogue/recognise.ts";
import { overDays, type Day } from "../days.ts";
import type { Detector, Finding, Scope } from "../finding.ts";
import { hourColumn } from "../person-days.ts";

const leastFailures = 60;
const failingShare = 0.8;
const leastRepeats = 200;
/** Lengths of answers: so few different ones among the calls are no conversation. */
const repeatingShare = 0.05;
const graveNanoUsd = 50_000_000_000n;
const graveCalls = 1000;

export const runawayLoop: Detector = {
  types: ["runaway_loop"],
  cadence: "soon",
  find: (scope) => overDays(scope, (day) => findOn(scope, day)),
};

export interface SessionHour {
  readonly calls: number;
  readonly failed: number;
  /** Calls whose answer's length is known, and how many different lengths they have. */
  readonly answered: number;
  readonly lengths: number;
}

async function findOn(scope: Scope, day: Day): Promise<readonly Finding[]> {
  const found = (await loadHours(scope, day)).flatMap((row) => {
    const loop = judgeHour(row);
    return loop === null ? [] : [{ ...row, loop }];
  });
  const worst = Map.groupBy(found, ({ sessionId }) => sessionId);
  return [...worst.values()].flatMap((hours) => {
    const [row] = hours.sort((a, b) => b.calls - a.calls);
    return row === undefined ? [] : [findingOf(scope, day, row, hours.length)];
  });
}

function findingOf(
  { personOf }: Scope,
  day: Day,
  row: LoadedHour & { readonly loop: Loop },
  hours: number,
): Finding {
  return {
    type: "runaway_loop",
    severity: row.costNanoUsd >= graveNanoUsd || row.calls >= graveCalls ? "BLOCK" : "WARN",
    subject: personOf(row.subject),
    sessionId: row.sessionId,
    service: servicesOfCall(row.provider, row.tool)[0] ?? null,
    about: row.tool,
    occurrence: day.date,
    at: row.hour,
    evidence: {
      kind: row.loop,
      hour: new Date(row.hour).toISOString(),
      calls: row.calls,
      failedCalls: row.failed,
      answerLengths: row.lengths,
      costUsd: formatUsd(row.costNanoUsd),
      hoursOfTheDay: hours,
    },
  };
}

export type Loop = "failing" | "repeating";

/** Whether a session's hour is a loop: it fails nearly always, or its answers are nearly all of the same few lengths. */
export function judgeHour({ calls, failed, answered, lengths }: SessionHour): Loop | null {
  if (failed >= leastFailures && failed >= failingShare * calls) return "failing";
  return answered >= leastRepeats && lengths <= repeatingShare * answered ? "repeating" : null;
}

interface LoadedHour extends SessionHour {
  readonly sessionId: string;
  readonly hour: number;
  readonly subject: string;
  readonly provider: string;
  readonly tool: string;
  readonly costNanoUsd: NanoUsd;
}

async function loadHours({ db, orgId }: Scope, { from, to }: Day): Promise<readonly LoadedHour[]> {
  const hour = hourColumn("occurred_at");
  const rows = await db
    .selectFrom("calls")
    .select(["session_id", hour.as("hour")])
    .select([
      sql<string>`min(subject)`.as("subject"),
      sql<string>`min(provider)`.as("provider"),
      sql<string>`min(tool)`.as("tool"),
      sql<bigint>`count(*)`.as("calls"),
      sql<bigint>`CAST(sum(CASE WHEN status >= 400 THEN 1 ELSE 0 END) AS BIGINT)`.as("failed"),
      sql<bigint>`count(output_tokens)`.as("answered"),
      sql<bigint>`count(DISTINCT output_tokens)`.as("lengths"),
      sql<bigint>`CAST(coalesce(sum(cost_nano_usd), 0) AS BIGINT)`.as("cost"),
    ])
    .where("org_id", "=", orgId)
    .where("occurred_at", ">=", from)
    .where("occurred_at", "<", to)
    .groupBy(["session_id", hour])
    .having(sql<bigint>`count(*)`, ">=", BigInt(leastFailures))
    .execute();
  return rows.map((row) => ({
    sessionId: row.session_id,
    hour: row.hour,
    subject: row.subject,
    provider: row.provider,
    tool: row.tool,
    calls: Number(row.calls),
    failed: Number(row.failed),
    answered: Number(row.answered),
    lengths: Number(row.lengths),
    costNanoUsd: row.cost as NanoUsd,
  }));
}
