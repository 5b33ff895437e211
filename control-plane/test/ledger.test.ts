/** What decisions post, what a closed month keeps, and what leaves the house as a file. */
import { parse } from "csv-parse/sync";
import type { OrgId } from "@flowstate/shared/ids";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import type { Period } from "@flowstate/shared/time";
import { readAudit } from "../src/audit/record.ts";
import { faultOfCell, findFocusColumn, focusColumns } from "../src/focus/columns.ts";
import { closePeriod, reopenPeriod, verifySnapshot } from "../src/ledger/close.ts";
import { exportOf, type ExportName } from "../src/ledger/exports.ts";
import { listJournals } from "../src/ledger/journals.ts";
import { listQueue } from "../src/reconcile/queue.ts";
import { summarise } from "../src/reconcile/summary.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { act, ada, bill, now, observe, period, refusal, run } from "./support/reconciling.ts";

const december = "2026-12" as Period;
const inDecember = Date.parse("2026-12-03T08:00:00Z");

/** Each journal of a month as kind, then account and amount of its entries. */
async function journals(store: Store, orgId: OrgId, month = period): Promise<readonly string[]> {
  const all = await listJournals(store.reader, orgId, {
    period: month,
    after: { at: 0, id: "" },
    limit: 100,
  });
  return all
    .map(({ kind, entries }) =>
      [kind, ...entries.map(({ account, amount }) => `${account} ${formatUsd(amount)}`)].join(", "),
    )
    .toSorted();
}

const close = (store: Store, orgId: OrgId, at = inDecember): Promise<void> =>
  store.transact((db) => closePeriod(db, { orgId, period, actor: "finance@example.com", now: at }));

const reopen = (store: Store, orgId: OrgId, reason: string): Promise<void> =>
  store.transact((db) =>
    reopenPeriod(db, { orgId, period, actor: "finance@example.com", now: inDecember, reason }),
  );

async function restate(store: Store, orgId: OrgId, row: string, amount: bigint): Promise<void> {
  await store.transact((db) =>
    db
      .updateTable("billing_rows")
      .set({ amount_nano_usd: amount, revision: 2n })
      .where("org_id", "=", orgId)
      .where("row_id", "=", row)
      .execute(),
  );
}

async function textOf(store: Store, orgId: OrgId, name: ExportName, format = "csv"): Promise<string> {
  const parts: string[] = [];
  for await (const part of exportOf(store.reader, orgId, { name, period, format }).text) parts.push(part);
  return parts.join("");
}

testOnBothEngines(
  "each decision posts a balanced journal, and taking it back its reverse",
  async (t, { store, orgId }) => {
    for (const row of ["seen", "gone", "later"]) await bill(store, orgId, row, 5);
    await store.transact((db) =>
      db.updateTable("billing_rows").set({ usage_day: "2026-11-07" }).where("row_id", "!=", "seen").execute(),
    );
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "seen", "CONFIRM");
    await act(store, orgId, "gone", "WRITE_OFF", { note: "trial" });
    await act(store, orgId, "later", "DEFER");
    t.deepEqual(await journals(store, orgId), [
      "confirmation, Expenses:AI:Anthropic-Api 5.00, Liabilities:Payable:Anthropic -5.00",
      "deferral, Assets:Suspense:Deferred 5.00, Liabilities:Payable:Anthropic -5.00",
      "write_off, Expenses:Variance:Written-Off 5.00, Liabilities:Payable:Anthropic -5.00",
    ]);
    await act(store, orgId, "seen", "REOPEN");
    t.true(
      (await journals(store, orgId)).includes(
        "reversal, Expenses:AI:Anthropic-Api -5.00, Liabilities:Payable:Anthropic 5.00",
      ),
    );
    await run(store, orgId, inDecember, december);
    t.deepEqual(await journals(store, orgId, december), [
      "reversal, Assets:Suspense:Deferred -5.00, Liabilities:Payable:Anthropic 5.00",
    ]);
  },
);

testOnBothEngines(
  "a confirmed row is posted by project, team and cost centre",
  async (t, { store, orgId }) => {
    const stamps = { version: 1n, created_at: now, updated_at: now };
    const team = { org_id: orgId, external_id: null, ...stamps };
    await store.transact(async (db) => {
      await db
        .insertInto("teams")
        .values([
          { ...team, team_id: "top", name: "Engineering", parent_id: null, cost_centre: "4100" },
          { ...team, team_id: "own", name: "Platform", parent_id: "top", cost_centre: null },
        ])
        .execute();
      await db
        .insertInto("employees")
        .values({
          org_id: orgId,
          employee_id: "1",
          email: ada,
          name: null,
          title: null,
          primary_team_id: "own",
          manager_id: null,
          external_id: null,
          active: 1n,
          ...stamps,
        })
        .execute();
    });
    await bill(store, orgId, "seen", 5);
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "seen", "CONFIRM");
    const [journal] = await listJournals(store.reader, orgId, { period, after: { at: 0, id: "" }, limit: 1 });
    t.like(journal?.entries[0], { subject: ada, project: null, team: "Platform", costCentre: "4100" });
  },
);

testOnBothEngines(
  "a line restated after it was confirmed posts the difference once",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "seen", 5);
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "seen", "CONFIRM");
    await restate(store, orgId, "seen", 6_000_000_000n);
    await run(store, orgId);
    await run(store, orgId);
    t.deepEqual((await journals(store, orgId)).slice(0, 1), [
      "adjustment, Expenses:AI:Anthropic-Api 1.00, Liabilities:Payable:Anthropic -1.00",
    ]);
    t.is((await journals(store, orgId)).length, 2);
  },
);

testOnBothEngines(
  "a month is closed when it is over and every row is decided",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "seen", 5);
    await observe(store, orgId, "5");
    await run(store, orgId);
    t.regex(await refusal(close(store, orgId, now)), /^FS_CONFLICT 2026-11 is not over/);
    t.regex(await refusal(close(store, orgId)), /^FS_CONFLICT .* 1 of its 1 rows wait for a decision/);
    await act(store, orgId, "seen", "CONFIRM");
    await close(store, orgId);
    t.regex(await refusal(close(store, orgId)), /^FS_CONFLICT 2026-11 is closed already/);
    const [entry] = await readAudit(store.reader, orgId, { newest: 1 });
    t.like(entry, { action: "period.closed", target: period });
    t.regex(entry?.detail ?? "", /sha256 [0-9a-f]{64}$/);
    t.true(await verifySnapshot(store.reader, orgId, period));
    await store.transact((db) =>
      db.updateTable("period_snapshots").set({ line: "forged" }).where("row_id", "=", "seen").execute(),
    );
    t.false(await verifySnapshot(store.reader, orgId, period));
  },
);

testOnBothEngines(
  "a closed month stays as it was; corrections and late lines count in the current one",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "seen", 5);
    await observe(store, orgId, "5");
    await run(store, orgId);
    await act(store, orgId, "seen", "CONFIRM");
    await close(store, orgId);
    const frozen = await summarise(store.reader, orgId, period, inDecember);
    await restate(store, orgId, "seen", 7_000_000_000n);
    await bill(store, orgId, "late", 3, { usage_day: "2026-11-09" });
    await observe(store, orgId, "9");
    await run(store, orgId, inDecember);
    await run(store, orgId, inDecember);
    t.deepEqual(await summarise(store.reader, orgId, period, inDecember), frozen);
    t.regex(
      await refusal(act(store, orgId, "seen", "REOPEN")),
      /^FS_CONFLICT 2026-11 is closed: reopen the month/,
    );
    t.deepEqual(await journals(store, orgId, december), [
      "adjustment, Expenses:AI:Anthropic-Api 2.00, Liabilities:Payable:Anthropic -2.00",
    ]);
    await run(store, orgId, inDecember, december);
    const queue = await listQueue(store.reader, orgId, { period: december, statuses: [], limit: 10 });
    t.deepEqual(
      queue.map(({ rowId }) => rowId),
      ["late"],
    );
    const { adjustments, billed } = await summarise(store.reader, orgId, december, inDecember);
    t.is(adjustments, 2_000_000_000n as NanoUsd);
    t.is(billed, 3_000_000_000n as NanoUsd);
  },
);

testOnBothEngines(
  "a month is reopened for a reason, and closed again with a new snapshot",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "seen", 5);
    await run(store, orgId);
    await act(store, orgId, "seen", "WRITE_OFF", { note: "trial" });
    t.regex(await refusal(reopen(store, orgId, "why not")), /^FS_CONFLICT 2026-11 is not closed/);
    await close(store, orgId);
    t.regex(await refusal(reopen(store, orgId, " ")), /^FS_INPUT_INVALID reason/);
    await reopen(store, orgId, "a credit note came");
    await act(store, orgId, "seen", "REOPEN");
    await act(store, orgId, "seen", "WRITE_OFF", { note: "credited" });
    await close(store, orgId);
    const snapshots = await store.reader
      .selectFrom("period_snapshots")
      .select("closing")
      .distinct()
      .where("org_id", "=", orgId)
      .execute();
    t.is(snapshots.length, 2);
    t.true(await verifySnapshot(store.reader, orgId, period));
  },
);

testOnBothEngines(
  "the FOCUS export fits the rules of its columns and sums to what was billed",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "tokens", 5, { input_tokens: 1000n, model: "claude-sonnet-4-5" });
    await bill(store, orgId, "seat", 40, { charge_category: "Purchase", charge_frequency: "Recurring" });
    await bill(store, orgId, "credit", -3, {
      charge_category: "Credit",
      subject: null,
      identity_kind: "org",
    });
    await bill(store, orgId, "euro", 11, {
      original_currency: "EUR",
      original_amount: "10",
      description: "=1+1",
    });
    await bill(store, orgId, "key", 2, { subject: null, identity_kind: "api_key", identity_value: "key_1" });
    await run(store, orgId);
    const rows = parse<Record<string, string>>(await textOf(store, orgId, "focus"), { columns: true });
    t.is(rows.length, 5);
    for (const { id } of focusColumns.filter(({ level }) => level === "Mandatory"))
      t.true(id in (rows[0] ?? {}), id);
    for (const row of rows) {
      for (const [id, cell] of Object.entries(row)) {
        const column = findFocusColumn(id);
        if (column === null) t.true(id.startsWith("x_"), id);
        else t.is(faultOfCell(column, cell), null);
      }
    }
    const sum = rows.reduce((total, row) => total + Number(row["x_BilledCostUsd"]), 0);
    t.is(sum.toFixed(2), formatUsd((await summarise(store.reader, orgId, period, now)).billed));
    const euro = rows.find((row) => row["BillingCurrency"] === "EUR");
    t.like(euro, { BilledCost: "10", ChargeDescription: "'=1+1" });
  },
);

testOnBothEngines(
  "journals leave as CSV, hledger and Beancount, each balanced",
  async (t, { store, orgId }) => {
    await bill(store, orgId, "seen", 5);
    await run(store, orgId);
    await act(store, orgId, "seen", "WRITE_OFF", { note: "trial" });
    const rows = parse<Record<string, string>>(await textOf(store, orgId, "journal"), { columns: true });
    t.deepEqual(
      rows.map(({ debit_usd, credit_usd }) => [debit_usd, credit_usd]),
      [
        ["5.00", ""],
        ["", "5.00"],
      ],
    );
    t.regex(
      await textOf(store, orgId, "journal", "hledger"),
      /^\d{4}-\d\d-\d\d \* \(.*\) write_off seen\n {4}Expenses:/,
    );
    t.regex(
      await textOf(store, orgId, "journal", "beancount"),
      /^2026-11-01 open Expenses:Variance:Written-Off USD\n/,
    );
    t.regex(
      await textOf(store, orgId, "csv"),
      /\r\nseen,ANTHROPIC,anthropic-api,2026-11-05,ada@example.com,/,
    );
    t.throws(() => exportOf(store.reader, orgId, { name: "focus", period, format: "xml" }), {
      message: 'format: "xml" is not one of csv',
    });
  },
);
