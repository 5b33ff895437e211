import { parseUsd, formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { hourOf } from "@flowstate/shared/time";
import type { CallEvent } from "@flowstate/shared/wire/call";
import type { ColumnType } from "../store/json-rows.ts";
import type { Report, Resolved } from "./resolve.ts";
import type { UsageTables } from "./tables.ts";

export type CallRow = UsageTables["calls"];

/** Columns of `calls` but the organisation's, in the order in which `callValues` gives them. */
export const callColumns = {
  call_id: "text",
  session_id: "text",
  source: "text",
  subject: "text",
  occurred_at: "integer",
  received_at: "integer",
  revision: "integer",
  provider: "text",
  host: "text",
  tool: "text",
  tool_version: "text",
  model: "text",
  project: "text",
  input_tokens: "integer",
  output_tokens: "integer",
  cache_read_tokens: "integer",
  cache_write_5m_tokens: "integer",
  cache_write_1h_tokens: "integer",
  reasoning_tokens: "integer",
  output_trust: "text",
  cost_nano_usd: "integer",
  estimated: "integer",
  estimate_method: "text",
  capture: "text",
  billing: "text",
  service_tier: "text",
  status: "integer",
  duration_ms: "integer",
  parent_call_id: "text",
} as const satisfies Partial<Record<keyof CallRow, ColumnType>>;

type Column = keyof typeof callColumns;
export type StoredCall = Pick<CallRow, Column>;

export function callRow({ callId, report }: Resolved, receivedAt: number): StoredCall {
  const { tokens } = report;
  const cost = report.costUsd === null ? null : parseUsd(report.costUsd);
  return {
    call_id: callId,
    session_id: report.sessionId,
    source: report.source,
    subject: report.subject,
    occurred_at: Date.parse(report.occurredAt),
    received_at: receivedAt,
    revision: BigInt(report.revision),
    provider: report.provider,
    host: report.host,
    tool: report.tool,
    tool_version: report.toolVersion,
    model: report.model,
    project: report.project,
    input_tokens: count(tokens.input),
    output_tokens: count(tokens.output),
    cache_read_tokens: count(tokens.cacheRead),
    cache_write_5m_tokens: count(tokens.cacheWrite5m),
    cache_write_1h_tokens: count(tokens.cacheWrite1h),
    reasoning_tokens: count(tokens.reasoning),
    output_trust: report.outputTrust,
    cost_nano_usd: cost?.ok === true ? cost.value : null,
    estimated: report.estimated ? 1n : 0n,
    estimate_method: report.estimateMethod,
    capture: report.capture,
    billing: report.billing,
    service_tier: report.serviceTier,
    status: count(report.status),
    duration_ms: count(report.durationMs),
    parent_call_id: report.parentCallId,
  };
}

/** The only report of a call, as its row keeps it. */
export function reportOf(row: StoredCall, names: readonly string[]): Report {
  return {
    seq: 0,
    callId: row.call_id,
    aliases: names.filter((name) => name !== row.call_id),
    revision: Number(row.revision),
    sessionId: row.session_id,
    occurredAt: new Date(row.occurred_at).toISOString(),
    provider: row.provider,
    host: row.host,
    tool: row.tool,
    toolVersion: row.tool_version,
    model: row.model,
    tokens: {
      input: number(row.input_tokens),
      output: number(row.output_tokens),
      cacheRead: number(row.cache_read_tokens),
      cacheWrite5m: number(row.cache_write_5m_tokens),
      cacheWrite1h: number(row.cache_write_1h_tokens),
      reasoning: number(row.reasoning_tokens),
    },
    outputTrust: row.output_trust,
    costUsd: row.cost_nano_usd === null ? null : formatUsd(row.cost_nano_usd as NanoUsd),
    estimated: row.estimated === 1n,
    estimateMethod: row.estimate_method,
    capture: row.capture,
    status: number(row.status),
    durationMs: number(row.duration_ms),
    project: row.project,
    billing: row.billing,
    serviceTier: row.service_tier,
    parentCallId: row.parent_call_id,
    source: row.source,
    subject: row.subject,
  };
}

/** A report in the one form in which it is kept and compared: every field, in one order, money and time canonical. */
export function canonicalReport(event: CallEvent, source: string, subject: string): Report {
  const row = callRow({ callId: event.callId, names: [], report: { ...event, source, subject } }, 0);
  return reportOf(row, [...new Set([event.callId, ...event.aliases])].sort());
}

/** What a call adds to its hour: the key of the row, then the sums. */
export const hourColumns = {
  hour: "integer",
  subject: "text",
  provider: "text",
  tool: "text",
  model: "text",
  project: "text",
  billing: "text",
} as const satisfies Record<string, ColumnType>;

export const sumColumns = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
  "calls",
  "cost_nano_usd",
  "uncosted_calls",
  "estimated_calls",
] as const;

export function hourKey(call: StoredCall): readonly (string | number)[] {
  const { subject, provider, tool, model, project, billing } = call;
  return [hourOf(call.occurred_at), subject, provider, tool, model ?? "", project ?? "", billing];
}

export function hourSums(call: StoredCall): readonly bigint[] {
  return [
    call.input_tokens ?? 0n,
    call.output_tokens ?? 0n,
    call.cache_read_tokens ?? 0n,
    call.cache_write_5m_tokens ?? 0n,
    call.cache_write_1h_tokens ?? 0n,
    call.reasoning_tokens ?? 0n,
    1n,
    call.cost_nano_usd ?? 0n,
    call.cost_nano_usd === null ? 1n : 0n,
    call.estimated,
  ];
}

const count = (value: number | null): bigint | null => (value === null ? null : BigInt(value));
const number = (value: bigint | null): number | null => (value === null ? null : Number(value));
