import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { hourOf } from "@flowstate/shared/time";
import type { TokenColumns, UsageSums } from "../../usage/tables.ts";
import type { Database } from "../../store/database.ts";
import { jsonRows, type ColumnType } from "../../store/json-rows.ts";
import type { Writer } from "../../store/open.ts";
import type { Engine } from "../../store/words.ts";
import type { DemoCall } from "./activity.ts";
import { uuidFor } from "./random.ts";

type Value = string | number | bigint | null;
type Row = Readonly<Record<string, Value>>;

/** Stores a day's calls with their sessions and hours, whole or not at all. A day that is there already stays as it is. */
export async function storeDemoDay(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  calls: readonly DemoCall[],
): Promise<void> {
  const [first] = calls;
  if (first === undefined) return;
  const known = await db
    .selectFrom("calls")
    .select("call_id")
    .where("org_id", "=", orgId)
    .where("call_id", "=", first.callId)
    .executeTakeFirst();
  if (known !== undefined) return;
  await insert(
    db,
    engine,
    "calls",
    calls.map((call) => callRow(orgId, call)),
  );
  await insert(
    db,
    engine,
    "call_names",
    calls.map(({ callId }) => ({ org_id: orgId, name: callId, call_id: callId })),
  );
  await insert(
    db,
    engine,
    "sessions",
    [...Map.groupBy(calls, ({ sessionId }) => sessionId).values()].map((own) => sessionRow(orgId, own)),
  );
  await insert(
    db,
    engine,
    "usage_hours",
    [...Map.groupBy(calls, hourKey).values()].map((own) => hourRow(orgId, own)),
  );
}

async function insert(
  db: Writer,
  engine: Engine,
  table: keyof Database,
  rows: readonly Row[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const names = Object.keys(first);
  const isText = (name: string): boolean =>
    nullTexts.has(name) || rows.some((row) => typeof row[name] === "string");
  const columns = Object.fromEntries(
    names.map((name): [string, ColumnType] => [name, isText(name) ? "text" : "integer"]),
  );
  const list = sql.join(names.map((name) => sql.id(name)));
  await sql`INSERT INTO ${sql.table(table)} (${list})
    SELECT ${list} FROM ${jsonRows(
      engine,
      columns,
      rows.map((row) => names.map((name) => row[name] ?? null)),
    )} AS made
    WHERE TRUE ON CONFLICT DO NOTHING`.execute(db);
}

/** Text columns that the demo leaves empty. */
const nullTexts = new Set(["estimate_method", "service_tier", "parent_call_id"]);

function callRow(orgId: OrgId, call: DemoCall): Row {
  const { person, tool } = call;
  return {
    org_id: orgId,
    call_id: call.callId,
    session_id: call.sessionId,
    source: uuidFor("demo device", person.id),
    subject: person.email,
    occurred_at: call.at,
    received_at: call.at,
    revision: 1n,
    provider: tool.provider,
    host: tool.host,
    tool: tool.tool,
    tool_version: "demo",
    model: call.model,
    project: person.project.marker,
    ...tokenColumns([call]),
    output_trust: "final",
    cost_nano_usd: call.costNanoUsd,
    estimated: 0n,
    estimate_method: null,
    capture: "session-log",
    billing: "metered",
    service_tier: null,
    status: 200n,
    duration_ms: call.durationMs,
    parent_call_id: null,
  };
}

function sessionRow(orgId: OrgId, calls: readonly DemoCall[]): Row {
  const { person, tool, sessionId } = firstOf(calls);
  const times = calls.map(({ at }) => at);
  return {
    org_id: orgId,
    session_id: sessionId,
    subject: person.email,
    provider: tool.provider,
    tool: tool.tool,
    project: person.project.marker,
    models: JSON.stringify([...new Set(calls.map(({ model }) => model))].sort()),
    started_at: Math.min(...times),
    ended_at: Math.max(...times),
    ...sums(calls),
  };
}

function hourKey({ at, person, tool, model }: DemoCall): string {
  return [hourOf(at), person.id, tool.tool, model].join("|");
}

function hourRow(orgId: OrgId, calls: readonly DemoCall[]): Row {
  const { at, person, tool, model } = firstOf(calls);
  return {
    org_id: orgId,
    hour: hourOf(at),
    subject: person.email,
    provider: tool.provider,
    tool: tool.tool,
    model,
    project: person.project.marker,
    billing: "metered",
    ...sums(calls),
  };
}

function sums(calls: readonly DemoCall[]): UsageSums {
  return {
    ...tokenColumns(calls),
    calls: BigInt(calls.length),
    cost_nano_usd: calls.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n),
    uncosted_calls: BigInt(calls.filter(({ costNanoUsd }) => costNanoUsd === null).length),
    estimated_calls: 0n,
  };
}

function tokenColumns(calls: readonly DemoCall[]): TokenColumns<bigint> {
  const sum = (count: (call: DemoCall) => number | null) =>
    BigInt(calls.reduce((total, call) => total + (count(call) ?? 0), 0));
  return {
    input_tokens: sum(({ tokens }) => tokens.input),
    output_tokens: sum(({ tokens }) => tokens.output),
    cache_read_tokens: sum(({ tokens }) => tokens.cacheRead),
    cache_write_5m_tokens: sum(({ tokens }) => tokens.cacheWrite5m),
    cache_write_1h_tokens: sum(({ tokens }) => tokens.cacheWrite1h),
    reasoning_tokens: sum(({ tokens }) => tokens.reasoning),
  };
}

function firstOf(calls: readonly DemoCall[]): DemoCall {
  const [first] = calls;
  if (first === undefined) throw new Error("bug: a group without calls");
  return first;
}
