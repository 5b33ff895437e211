import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { periodOf, type Period } from "@flowstate/shared/time";
import { overageUnits, quotaOf, readQuotas } from "../proxy-status/quotas.ts";
import { listSignals, type Signal } from "../signals/queries.ts";
import type { Reader } from "../store/open.ts";
import { windowBounds, type UsageWindow } from "../usage-queries/window.ts";

/** What one did with one tool of one provider, as devices reported it. */
export interface OwnUse {
  readonly system: string;
  readonly tool: string;
  readonly calls: bigint;
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  /** At list price, whatever the plan; calls without a known price add nothing and are counted. */
  readonly listPrice: NanoUsd;
  readonly uncostedCalls: bigint;
}

/** By provider and tool, the dearest first. */
export async function readOwnUsage(
  db: Reader,
  orgId: OrgId,
  addresses: readonly string[],
  window: UsageWindow,
): Promise<readonly OwnUse[]> {
  const { from, to } = windowBounds(window);
  const total = (columns: string) => sql`CAST(sum(${sql.raw(columns)}) AS BIGINT)`;
  const { rows } = await sql<OwnUse>`SELECT provider AS system, tool, ${total("calls")} AS calls,
      ${total("input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens")} AS "inputTokens",
      ${total("output_tokens")} AS "outputTokens", ${total("cost_nano_usd")} AS "listPrice",
      ${total("uncosted_calls")} AS "uncostedCalls"
    FROM usage_hours WHERE org_id = ${orgId} AND subject IN (${sql.join([...addresses])})
      AND hour >= ${from} AND hour < ${to}
    GROUP BY provider, tool ORDER BY sum(cost_nano_usd) DESC, provider, tool`.execute(db);
  return rows;
}

/** Where one stands in the current month, and what somebody has been told to look at. */
export interface Standing {
  readonly period: Period;
  readonly requests: bigint;
  /** Null where there is none. */
  readonly quota: bigint | null;
  readonly overageUnits: bigint;
  /** About oneself, the newest first. */
  readonly signals: readonly Signal[];
}

const mostSignals = 50;

export async function readStanding(
  db: Reader,
  orgId: OrgId,
  addresses: readonly string[],
  now: number,
): Promise<Standing> {
  const period = periodOf(now);
  const [first = ""] = addresses;
  const [quotas, metered, signals] = await Promise.all([
    readQuotas(db, orgId),
    db
      .selectFrom("meter_months")
      .select(["requests", "estimated_requests"])
      .where("org_id", "=", orgId)
      .where("period", "=", period)
      .where("subject", "in", addresses)
      .execute(),
    Promise.all(addresses.map((subject) => listSignals(db, orgId, { subject }, mostSignals))),
  ]);
  const requests = metered.reduce((sum, row) => sum + row.requests + row.estimated_requests, 0n);
  const quota = quotaOf(quotas, first);
  return {
    period,
    requests,
    quota,
    overageUnits: overageUnits(requests, quota),
    signals: signals
      .flat()
      .toSorted((a, b) => b.detected_at - a.detected_at)
      .slice(0, mostSignals),
  };
}
