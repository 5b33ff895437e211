/** The stored side of reconciliation: what a run writes, what people may do, and what a month's figures say. */
import { randomUUID } from "node:crypto";
import { isFlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import type { Period } from "@flowstate/shared/time";
import { readAudit } from "../src/audit/record.ts";
import { verifyAudit } from "../src/audit/verify.ts";
import type { BillingTables } from "../src/billing/tables.ts";
import { actOnRow, type ReconciliationAct } from "../src/reconcile/act.ts";
import { findRow, listQueue, sessionsOf } from "../src/reconcile/queue.ts";
import { reconcilePeriod } from "../src/reconcile/run.ts";
import type { Action, Status } from "../src/reconcile/status.ts";
import { summarise } from "../src/reconcile/summary.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const period = "2026-11" as Period;
const ada = "ada@example.com";

type Bill = BillingTables["billing_rows"];

async function bill(
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

async function observe(
  store: Store,
  orgId: OrgId,
  costUsd: string,
  day = "2026-11-05",
  subject = ada,
): Promise<void> {
  const id = randomUUID();
  const event = {
    seq: 1,
    callId: id,
    sessionId: `s-${id}`,
    occurredAt: `${day}T10:00:00.000Z`,
    provider: "anthropic",
    tool: "claude-code",
    model: "claude-sonnet-4-5",
    tokens: {
      input: 10,
      output: 5,
      cacheRead: null,
      cacheWrite5m: null,
      cacheWrite1h: null,
      reasoning: null,
    },
    outputTrust: "final",
    costUsd,
    estimated: false,
    capture: "session-log",
    status: 200,
    durationMs: 5,
  };
  const batch = { source: randomUUID(), batch: randomUUID(), events: [event] };
  await ingestSessions(store, { orgId, subject: subject as Subject, now, batch });
}

const run = (store: Store, orgId: OrgId, at = now, month = period) =>
  reconcilePeriod(store, { orgId, period: month, now: at });

function act(
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

async function refusal(promise: Promise<void>): Promise<string> {
  try {
    await promise;
    return "done";
  } catch (error) {
    if (!isFlowstateError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
}

const standings = async (store: Store, orgId: OrgId, month = period): Promise<Record<string, Status>> =>
  Object.fromEntries(
    (await listQueue(store.reader, orgId, { period: month, statuses: [], limit: 100 })).map(
      ({ rowId, status }) => [rowId, status],
    ),
  );

testOnBothEngines(
  "a run matches what was billed with what was seen, and shows why",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "equal", 5);
    await bill(store, orgId, "near", 8, { usage_day: "2026-11-06" });
    await bill(store, orgId, "unseen", 7, { usage_day: "2026-11-09" });
    await observe(store, orgId, "5");
    await observe(store, orgId, "7", "2026-11-06");
    t.like(await run(store, orgId), { rows: 3, matches: 2, changed: 3 });
    t.deepEqual(await standings(store, orgId), {
      equal: "auto_matched",
      near: "suggested",
      unseen: "unreconciled",
    });
    const row = await findRow(store.reader, orgId, "equal");
    t.like(row?.match, { rule: "exact", observed: 5_000_000_000n, ambiguous: false });
    t.true((row?.match?.confidencePpm ?? 0) > 950_000);
    t.deepEqual(
      row?.match?.evidence.map(({ comparison }) => comparison),
      ["prior", "person", "day", "model", "amount"],
    );
    t.is(row === null ? 0 : (await sessionsOf(store.reader, row, 10)).length, 1);
  },
);

testOnBothEngines("a second run over the same facts changes nothing", async (t, { store, orgId }) => {
  await bill(store, orgId, "equal", 5);
  await bill(store, orgId, "unseen", 7);
  await observe(store, orgId, "5");
  await run(store, orgId);
  const before = await store.reader.selectFrom("reconciliation_rows").selectAll().orderBy("row_id").execute();
  t.like(await run(store, orgId, now + 1000), { changed: 0 });
  t.deepEqual(
    await store.reader.selectFrom("reconciliation_rows").selectAll().orderBy("row_id").execute(),
    before,
  );
});

testOnBothEngines(
  "billed, observed, written off and residual are exact, and its causes sum to it",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "equal", 5.01);
    await bill(store, orgId, "seat", 20, { charge_category: "Purchase", charge_frequency: "Recurring" });
    await bill(store, orgId, "unseen", 7, { usage_day: "2026-11-09" });
    await bill(store, orgId, "gone", 3, { usage_day: "2026-11-10" });
    await bill(store, orgId, "guess", 99, { grade: "estimated" });
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "gone", "WRITE_OFF", { note: "trial" });
    const summary = await summarise(store.reader, orgId, period, now);
    t.like(summary, {
      billed: 35_010_000_000n,
      observed: 5_000_000_000n,
      writtenOff: 3_000_000_000n,
      residual: 27_010_000_000n,
      matched: 5_010_000_000n,
    });
    t.deepEqual(
      summary.causes.map(({ cause, amount }) => [cause, amount]),
      [
        ["seat_fee", 20_000_000_000n],
        ["uncaptured_usage", 7_000_000_000n],
        ["rounding", 10_000_000n],
      ] as never,
    );
  },
);

testOnBothEngines(
  "each status takes its actions and refuses the others, and a write-off needs a note",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "equal", 5);
    await bill(store, orgId, "unseen", 7, { usage_day: "2026-11-09" });
    await observe(store, orgId, "5");
    await run(store, orgId);
    t.is(
      await refusal(act(store, orgId, "unseen", "CONFIRM")),
      "FS_CONFLICT CONFIRM is not possible from unreconciled",
    );
    t.is(
      await refusal(act(store, orgId, "unseen", "WRITE_OFF", { note: "  " })),
      "FS_INPUT_INVALID note: a write-off needs a note that says why",
    );
    t.is(await refusal(act(store, orgId, "unseen", "WRITE_OFF", { note: "trial seats" })), "done");
    t.is(await refusal(act(store, orgId, "equal", "CONFIRM")), "done");
    t.is(
      await refusal(act(store, orgId, "equal", "CONFIRM")),
      "FS_CONFLICT CONFIRM is not possible from confirmed",
    );
    t.is(
      await refusal(act(store, orgId, "none", "DEFER")),
      "FS_NOT_FOUND there is no billing row with that id",
    );
    t.is(await refusal(act(store, orgId, "unseen", "REOPEN")), "done");
    t.deepEqual(await standings(store, orgId), { equal: "confirmed", unseen: "unreconciled" });
    const [, , writtenOff] = await readAudit(store.reader, orgId, { newest: 3 });
    t.like(writtenOff, {
      actor: "finance@example.com",
      action: "reconciliation.written_off",
      target: "unseen",
      detail: "unreconciled -> written_off; 7.00 USD; note: trial seats",
    });
    t.true((await verifyAudit(store.reader, orgId)).intact);
  },
);

testOnBothEngines(
  "no run touches a confirmed row or what its match rests on",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "equal", 5);
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "equal", "CONFIRM");
    const before = await findRow(store.reader, orgId, "equal");
    await bill(store, orgId, "second", 5);
    await observe(store, orgId, "4");
    await run(store, orgId, now + 1000);
    t.deepEqual(await findRow(store.reader, orgId, "equal"), before);
    t.is((await standings(store, orgId))["second"], "unreconciled");
  },
);

testOnBothEngines(
  "a deferred row returns by itself next month, in that month's queue",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "late", 7);
    await run(store, orgId);
    await act(store, orgId, "late", "DEFER");
    t.like(await findRow(store.reader, orgId, "late"), { status: "deferred", deferredTo: "2026-12", period });
    await run(store, orgId, now + 86_400_000);
    t.deepEqual(await standings(store, orgId), { late: "deferred" });
    const december = Date.parse("2026-12-01T00:00:01Z");
    await run(store, orgId, december, "2026-12" as Period);
    t.deepEqual(await standings(store, orgId), {});
    t.deepEqual(await standings(store, orgId, "2026-12" as Period), { late: "unreconciled" });
  },
);

testOnBothEngines(
  "of two people at once one wins and the other is told the new state",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "unseen", 7);
    await run(store, orgId);
    const expectedStatus = "unreconciled";
    const outcomes = await Promise.all([
      refusal(act(store, orgId, "unseen", "DEFER", { expectedStatus })),
      refusal(act(store, orgId, "unseen", "WRITE_OFF", { expectedStatus, note: "trial" })),
    ]);
    t.is(outcomes.filter((outcome) => outcome === "done").length, 1);
    t.regex(
      outcomes.find((outcome) => outcome !== "done") ?? "",
      /^FS_CONFLICT the row is (?:deferred|written_off) by now, not unreconciled$/,
    );
  },
);

testOnBothEngines(
  "the same idempotency key again changes nothing, and for another action is refused",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "unseen", 7);
    await run(store, orgId);
    const idempotencyKey = randomUUID();
    await act(store, orgId, "unseen", "DEFER", { idempotencyKey });
    await act(store, orgId, "unseen", "REOPEN");
    await act(store, orgId, "unseen", "DEFER", { idempotencyKey });
    t.is((await standings(store, orgId))["unseen"], "unreconciled");
    t.regex(
      await refusal(act(store, orgId, "unseen", "WRITE_OFF", { idempotencyKey, note: "n" })),
      /^FS_CONFLICT/,
    );
  },
);

testOnBothEngines(
  "a line restated after it was confirmed says what was confirmed",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "equal", 5);
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "equal", "CONFIRM");
    await store.transact((db) =>
      db.updateTable("billing_rows").set({ amount_nano_usd: 6_000_000_000n }).execute(),
    );
    t.like(await findRow(store.reader, orgId, "equal"), {
      status: "confirmed",
      restatedFrom: 5_000_000_000n,
    });
  },
);

testOnBothEngines(
  "a returned row is matched with what was seen when it was used",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "late", 5);
    await run(store, orgId);
    await act(store, orgId, "late", "DEFER");
    await observe(store, orgId, "5");
    const december = "2026-12" as Period;
    await run(store, orgId, Date.parse("2026-12-02T00:00:00Z"), december);
    t.deepEqual(await standings(store, orgId, december), { late: "auto_matched" });
  },
);

testOnBothEngines(
  "a row that the provider has withdrawn takes no action, and none is recorded",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "gone", 5, { withdrawn_at: now });
    t.regex(await refusal(act(store, orgId, "gone", "DEFER")), /^FS_NOT_FOUND/);
    t.deepEqual(await readAudit(store.reader, orgId, { newest: 1 }), []);
  },
);
