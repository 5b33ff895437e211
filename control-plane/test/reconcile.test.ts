/** The stored side of reconciliation: what a run writes, what people may do, and what a month's figures say. */
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { Subject } from "@flowstate/shared/subject";
import { removeAlias, setAlias } from "../src/billing/aliases.ts";
import { createEntity } from "../src/directory/entities.ts";
import { creationSchema, resources } from "../src/directory/resources.ts";
import { readAudit } from "../src/audit/record.ts";
import { verifyAudit } from "../src/audit/verify.ts";
import { findRow, listQueue, sessionsOf } from "../src/reconcile/queue.ts";
import { figuresNow, keptAsOf } from "../src/reconcile/month.ts";
import { actions, type Status } from "../src/reconcile/status.ts";
import { summarise } from "../src/reconcile/summary.ts";
import { watchReconciliation } from "../src/reconcile/watch.ts";
import { recordBillingChanged } from "../src/billing/changed.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { act, ada, bill, now, observe, period, refusal, run } from "./support/reconciling.ts";

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

testOnBothEngines(
  "what came under a further address of a person is matched as that person's, past months too",
  async (t, { store, orgId }) => {
    const alias = "countess@example.com" as Subject;
    await bill(store, orgId, "seen under the alias", 5);
    await observe(store, orgId, "5", "2026-11-05", alias);
    const old = { usage_day: "2026-09-05", identity_value: alias, subject: alias };
    await bill(store, orgId, "billed under the alias", 7, old);
    await observe(store, orgId, "7", "2026-09-05");
    await run(store, orgId);
    t.deepEqual(await standings(store, orgId), { "seen under the alias": "unreconciled" });
    const change = { orgId, actor: "test", now };
    const values = creationSchema(resources.employees).parse({ email: ada });
    const { id } = await store.transact((db) => createEntity(db, change, resources.employees, values));
    await store.transact((db) => setAlias(db, change, { email: alias, employeeId: id }));
    const jobs = await store.reader.selectFrom("jobs").select("name").orderBy("name").execute();
    t.deepEqual(
      jobs.map(({ name }) => name).filter((name) => name.startsWith("billing-changed/")),
      ["billing-changed/2026-09", "billing-changed/2026-11"],
    );
    const september = "2026-09" as Period;
    await run(store, orgId, now, september);
    await run(store, orgId);
    t.deepEqual(await standings(store, orgId, september), { "billed under the alias": "auto_matched" });
    t.deepEqual(await standings(store, orgId), { "seen under the alias": "auto_matched" });
    const row = await findRow(store.reader, orgId, "seen under the alias");
    t.is(row === null ? 0 : (await sessionsOf(store.reader, row, 10)).length, 1);
    await store.transact((db) => removeAlias(db, change, alias));
    await run(store, orgId);
    t.deepEqual(await standings(store, orgId), { "seen under the alias": "unreconciled" });
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

testOnBothEngines(
  "the figures that actions keep are those of the rows, whatever is done in whatever order",
  async (t, { store, orgId }) => {
    const rows = ["equal", "near", "unseen", "shared", "seat"];
    await bill(store, orgId, "equal", 5);
    await bill(store, orgId, "near", 8, { usage_day: "2026-11-06" });
    await bill(store, orgId, "unseen", 7, { usage_day: "2026-11-09" });
    await bill(store, orgId, "shared", 4, { usage_day: "2026-11-12", subject: null });
    await bill(store, orgId, "seat", 40, { charge_category: "Purchase", charge_frequency: "Recurring" });
    await observe(store, orgId, "5");
    await observe(store, orgId, "7", "2026-11-06");
    await observe(store, orgId, "3", "2026-11-12");
    await run(store, orgId);
    await store.transact((db) => db.deleteFrom("jobs").where("org_id", "=", orgId).execute());
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...rows), fc.constantFrom(...actions)), { maxLength: 8 }),
        async (deeds) => {
          for (const [row, action] of deeds) await refusal(act(store, orgId, row, action, { note: "why" }));
          const kept = await keptAsOf(store.reader, orgId, period);
          t.deepEqual(kept?.figures, await figuresNow(store.reader, orgId, period, now));
          const summary = await summarise(store.reader, orgId, period, now);
          t.is(BigInt(summary.residual), summary.billed - summary.observed - summary.writtenOff);
          t.is(
            summary.causes.reduce((sum, { amount }) => sum + amount, 0n),
            BigInt(summary.residual),
          );
        },
      ),
      { numRuns: 25 },
    );
  },
);

testOnBothEngines(
  "what changes while a month is matched is matched too, whenever it comes and whatever the clock says",
  async (t, { store, orgId }) => {
    const told: string[] = [];
    const tell = async (id: string): Promise<void> => {
      await bill(store, orgId, id, 5);
      told.push(id);
      await store.transact((db) => recordBillingChanged(db, orgId, [period], now));
    };
    for (const moment of [0, 1, 2, 3]) {
      await tell(`before ${moment}`);
      let step = 0;
      const interrupted: Store = {
        ...store,
        async transact(work) {
          if (step === moment) await tell(`during ${moment}`);
          step += 1;
          return store.transact(work);
        },
      };
      const stop = new AbortController();
      const clock = { now: () => now, sleep: async () => stop.abort() };
      await watchReconciliation({ store: interrupted, clock }, stop.signal, (error) => t.fail(String(error)));
      t.deepEqual(Object.keys(await standings(store, orgId)).toSorted(), told.toSorted());
    }
    t.is(told.length, 8, "every moment came");
    t.deepEqual(await store.reader.selectFrom("jobs").select("name").execute(), []);
  },
);
