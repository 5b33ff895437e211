import { randomUUID } from "node:crypto";
import { isFlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import type { Period } from "@flowstate/shared/time";
import type { BillingTables } from "../../src/billing/tables.ts";
import { actOnRow, type ReconciliationAct } from "../../src/reconcile/act.ts";
import { reconcilePeriod } from "../../src/reconcile/run.ts";
import type { Action } from "../../src/reconcile/status.ts";
import type { Store } from "../../src/store/open.ts";
import { ingestSessions } from "../../src/usage/ingest.ts";
import { callEvent } from "./call-event.ts";

export const now = Date.parse("2026-11-20T09:30:00Z");
export const period = "2026-11" as Period;
export const ada = "ada@example.com";

type Bill = BillingTables["billing_rows"];

export async function bill(
  store: Store,
  orgId: OrgId,
  row_id: string,
  usd: number,
  change: Partial<Bill> = {},
): Promise<void> {
  const usage_day = change.usage_day ?? "2026-11-05";
  await store.transact((db) =>
    db
      .insertInto("billing_rows")
      .values({
        org_id: orgId,
        row_id,
        provider_id: "p",
        kind: "ANTHROPIC",
        fact_key: row_id,
        revision: 1n,
        grade: "billed",
        charge_category: "Usage",
        charge_frequency: "Usage-Based",
        service: "anthropic-api",
        account: null,
        identity_kind: "email",
        identity_value: ada,
        subject: ada,
        usage_day,
        period: usage_day.slice(0, 7),
        description: "tokens",
        amount_nano_usd: BigInt(usd * 1000) * 1_000_000n,
        original_amount: String(usd),
        original_currency: "USD",
        exchange_rate: null,
        exchange_source: null,
        exchange_day: null,
        list_nano_usd: null,
        model: null,
        sku: null,
        input_tokens: null,
        output_tokens: null,
        cache_read_tokens: null,
        cache_write_tokens: null,
        requests: null,
        quantity: null,
        unit: null,
        settled: 1n,
        raw_hash: row_id,
        import_id: null,
        first_seen_at: now,
        last_seen_at: now,
        updated_at: now,
        withdrawn_at: null,
        ...change,
      })
      .execute(),
  );
}

export async function observe(
  store: Store,
  orgId: OrgId,
  costUsd: string,
  day = "2026-11-05",
  subject = ada,
): Promise<void> {
  const event = callEvent({ occurredAt: `${day}T10:00:00.000Z`, costUsd });
  const batch = { source: randomUUID(), batch: randomUUID(), events: [event] };
  await ingestSessions(store, { orgId, subject: subject as Subject, now, batch });
}

export const run = (store: Store, orgId: OrgId, at = now, month = period) =>
  reconcilePeriod(store, { orgId, period: month, now: at });

export function act(
  store: Store,
  orgId: OrgId,
  rowId: string,
  action: Action,
  change: Partial<ReconciliationAct> = {},
): Promise<void> {
  const given = {
    orgId,
    actor: "finance@example.com",
    now,
    rowId,
    action,
    note: null,
    expectedStatus: null,
    idempotencyKey: null,
  };
  return store.transact((db) => actOnRow(db, { ...given, ...change }));
}

export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    if (!isFlowstateError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}
