import { sql } from "kysely";
import type { VendorUsage } from "../providers/connector.ts";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { rowIdOf, type LineSource } from "./line-row.ts";

const columns: Record<string, ColumnType> = {
  org_id: "text",
  usage_id: "text",
  provider_id: "text",
  kind: "text",
  service: "text",
  usage_day: "text",
  account: "text",
  api_key: "text",
  identity_kind: "text",
  identity_value: "text",
  subject: "text",
  model: "text",
  input_tokens: "integer",
  output_tokens: "integer",
  cache_read_tokens: "integer",
  cache_write_tokens: "integer",
  requests: "integer",
  last_seen_at: "integer",
};

/** Stores what a vendor says was used. It splits bills and is no bill, so that only its newest state is kept. */
export async function writeVendorUsage(
  db: Writer,
  engine: Engine,
  source: LineSource,
  usages: readonly VendorUsage[],
): Promise<void> {
  const rows = new Map(usages.map((usage) => toValues(usage, source)).map((values) => [values[1], values]));
  if (rows.size === 0) return;
  const names = Object.keys(columns);
  const list = sql.join(names.map((name) => sql.id(name)));
  const updates = names.slice(2).map((name) => sql`${sql.id(name)} = ${sql.id("excluded", name)}`);
  await sql`INSERT INTO vendor_usage (${list})
    SELECT ${list} FROM ${jsonRows(engine, columns, [...rows.values()])} AS used WHERE TRUE
    ON CONFLICT (org_id, usage_id) DO UPDATE SET ${sql.join(updates)}`.execute(db);
}

function toValues(usage: VendorUsage, { orgId, providerId, kind, seenAt, people }: LineSource) {
  const { identity, tokens } = usage;
  return [
    orgId,
    rowIdOf(providerId, `${usage.feed}:${usage.key}`, usage.day),
    providerId,
    kind,
    usage.service,
    usage.day,
    usage.account,
    usage.apiKey,
    identity.kind,
    identity.value,
    people.subjectOf(identity.kind, identity.value),
    usage.model,
    tokens.input,
    tokens.output,
    tokens.cacheRead,
    tokens.cacheWrite,
    usage.requests,
    seenAt,
  ] as const;
}
