import type { OrgId } from "@flowstate/shared/ids";
import { hourMs } from "@flowstate/shared/time";
import type { BillingTables } from "../../src/billing/tables.ts";
import type { Store } from "../../src/store/open.ts";
import type { UsageTables } from "../../src/usage/tables.ts";
import { useKey, type Company, type MadeLine, type MadeUse } from "./company.ts";

const pulledAt = Date.parse("2026-11-03T00:00:00Z");
const atOnce = 200;

/** Stores what the vendors billed and what the devices saw, as a sync and an ingest leave it. */
export async function tellCompany(store: Store, orgId: OrgId, { lines, seen }: Company): Promise<void> {
  const bills = lines.map((line) => billOf(orgId, line));
  const hours = [...Map.groupBy(seen, (use) => `${useKey(use)}${use.plan}`).values()].flatMap((uses) =>
    uses.map((use, index) => hourOf(orgId, use, index)),
  );
  await store.transact(async (db) => {
    for (let at = 0; at < bills.length; at += atOnce) {
      await db
        .insertInto("billing_rows")
        .values(bills.slice(at, at + atOnce))
        .execute();
    }
    for (let at = 0; at < hours.length; at += atOnce) {
      await db
        .insertInto("usage_hours")
        .values(hours.slice(at, at + atOnce))
        .execute();
    }
  });
}

export async function forgetCompany(store: Store, orgId: OrgId): Promise<void> {
  for (const table of [
    "billing_rows",
    "usage_hours",
    "reconciliation_rows",
    "reconciliation_matches",
    "matched_facts",
  ] as const) {
    await store.transact((db) => db.deleteFrom(table).where("org_id", "=", orgId).execute());
  }
}

function billOf(orgId: OrgId, line: MadeLine): BillingTables["billing_rows"] {
  const { id, kind, service, subject, key, day, amount, model, tokens } = line;
  return {
    org_id: orgId,
    row_id: id,
    provider_id: kind,
    kind,
    fact_key: id,
    revision: 1n,
    grade: "billed",
    charge_category: line.category,
    charge_frequency: line.recurring ? "Recurring" : "Usage-Based",
    service,
    account: null,
    identity_kind: key === null ? "email" : "api_key",
    identity_value: key ?? subject,
    subject,
    usage_day: day,
    period: day.slice(0, 7),
    description: "made",
    amount_nano_usd: amount,
    original_amount: null,
    original_currency: line.currency,
    exchange_rate: null,
    exchange_source: null,
    exchange_day: null,
    list_nano_usd: null,
    model,
    sku: null,
    input_tokens: tokens === null ? null : BigInt(tokens.input),
    output_tokens: tokens === null ? null : BigInt(tokens.output),
    cache_read_tokens: tokens === null ? null : BigInt(tokens.cacheRead),
    cache_write_tokens: null,
    requests: null,
    quantity: null,
    unit: null,
    settled: 1n,
    raw_hash: id,
    import_id: null,
    first_seen_at: pulledAt,
    updated_at: pulledAt,
    last_seen_at: pulledAt,
    withdrawn_at: null,
  };
}

/** Uses of one person, model and day stand in an hour each. */
function hourOf(orgId: OrgId, use: MadeUse, index: number): UsageTables["usage_hours"] {
  return {
    org_id: orgId,
    hour: Date.parse(use.day) + (9 + index) * hourMs,
    subject: use.subject,
    provider: use.provider,
    tool: "made",
    model: use.model,
    project: "",
    billing: use.plan ? "plan" : "metered",
    input_tokens: BigInt(use.tokens.input),
    output_tokens: BigInt(use.tokens.output),
    cache_read_tokens: BigInt(use.tokens.cacheRead),
    cache_write_5m_tokens: 0n,
    cache_write_1h_tokens: 0n,
    reasoning_tokens: 0n,
    calls: 1n,
    cost_nano_usd: use.cost,
    uncosted_calls: 0n,
    estimated_calls: 0n,
  };
}
