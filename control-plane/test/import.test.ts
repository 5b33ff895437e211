/** Bills as files, on both engines: bad lines by number, all or nothing, nothing twice. */
import test from "ava";
import fc from "fast-check";
import { isFlowstateError } from "@flowstate/shared/errors";
import { dateOf, type UsageDate } from "@flowstate/shared/time";
import { permissions } from "../src/access/permissions.ts";
import { setExchangeRate } from "../src/billing/exchange.ts";
import {
  importBill,
  listImports,
  previewImport,
  revertImport,
  type ImportRequest,
} from "../src/import/actions.ts";
import { parseHabits, type GivenHabits } from "../src/import/habits.ts";
import { reportOn } from "../src/import/report.ts";
import { testOnBothEngines, type OpenedStore } from "./support/both-engines.ts";
import { startRunning } from "./support/running.ts";
import { readRows } from "./support/syncing.ts";

const now = Date.UTC(2026, 10, 20, 12);

function file(text: string | Uint8Array, given: Partial<GivenHabits> = {}): ImportRequest {
  const habits = parseHabits({
    kind: "GROQ",
    service: null,
    currency: null,
    moneyUnit: null,
    decimal: null,
    dayOrder: null,
    columns: {},
    ...given,
  });
  if (!habits.ok) throw new Error(habits.detail);
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  // In pieces that cut lines and characters apart.
  const open = async function* () {
    for (let start = 0; start < bytes.length; start += 7) yield bytes.subarray(start, start + 7);
  };
  return { kind: given.kind ?? "GROQ", fileName: "bill.csv", open, habits: habits.value };
}

function on({ store, orgId }: OpenedStore) {
  const context = { orgId, actor: "test", now };
  return {
    context,
    preview: (request: ImportRequest) => previewImport(store, context, request),
    load: (request: ImportRequest) => importBill(store, context, request),
    revert: (id: string) => store.transact((db) => revertImport(db, context, id)),
  };
}

function byDay<Row extends { readonly usage_day: string }>(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort((a, b) => (a.usage_day < b.usage_day ? -1 : 1));
}

const clean = `\uFEFFDate,Amount,Email,Model,Description
2026-10-01,"$1,234.50",Ada@Example.com,llama-4,"inference,
batch"
2026-10-02,0.000000001,bob@example.com,llama-4,tail

2026-10-03,-5,,,credit
Total,"1,229.50",,,
`;

testOnBothEngines("a clean file is imported whole, exactly and once", async (t, opened) => {
  const { preview, load, revert } = on(opened);
  const report = await preview(file(clean));
  t.like(report, {
    profile: "generic",
    lines: 3,
    faultCount: 0,
    firstDay: "2026-10-01",
    lastDay: "2026-10-03",
  });
  t.deepEqual(report.skipped, [{ line: 7, detail: "a total, not a line" }]);
  t.deepEqual(
    report.totals.map(({ period, currency, amount, lines }) => [period, currency, amount, lines]),
    [["2026-10", "USD", "1229.500000001", 3]],
  );
  t.deepEqual(await readRows(opened.store, opened.orgId), [], "a preview stores nothing");
  const { imported, added } = await load(file(clean));
  t.is(added, 3);
  const rows = byDay(await readRows(opened.store, opened.orgId));
  const found = rows.map((row) => [
    row.usage_day,
    row.subject,
    row.amount_nano_usd,
    row.charge_category,
    row.service,
  ]);
  t.deepEqual(found, [
    ["2026-10-01", "ada@example.com", 1_234_500_000_000n, "Usage", "groq"],
    ["2026-10-02", "bob@example.com", 1n, "Usage", "groq"],
    ["2026-10-03", null, -5_000_000_000n, "Credit", "groq"],
  ]);
  t.true(
    rows.every(
      ({ kind, import_id, settled }) => kind === "GROQ" && import_id === imported.importId && settled === 1n,
    ),
  );
  const again = await t.throwsAsync(load(file(clean)), { code: "FS_CONFLICT" });
  t.regex(again.message, /^the same file was imported as "bill.csv" at 2026-11-20T12:00Z/);
  t.is((await preview(file(clean))).importedBefore?.importId, imported.importId);
  await revert(imported.importId);
  t.true((await readRows(opened.store, opened.orgId)).every(({ withdrawn_at }) => withdrawn_at !== null));
  await t.throwsAsync(revert(imported.importId), { code: "FS_NOT_FOUND" });
  t.is((await load(file(clean))).added, 0, "the same lines come back to life");
  t.true((await readRows(opened.store, opened.orgId)).every(({ withdrawn_at }) => withdrawn_at === null));
  t.is((await listImports(opened.store.reader, opened.orgId, 10)).length, 2);
});

testOnBothEngines("the same file sent twice at once is imported once", async (t, opened) => {
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => on(opened).load(file(clean))));
  t.is(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") t.like(outcome.reason, { code: "FS_CONFLICT" });
  }
  t.is((await readRows(opened.store, opened.orgId)).length, 3);
});

testOnBothEngines("one bad line among many keeps all out, and every bad line is named", async (t, opened) => {
  const { preview, load } = on(opened);
  const lines = Array.from({ length: 3000 }, (_, index) => `2026-10-0${(index % 9) + 1},1.5,ada@example.com`);
  lines[1499] = "2026-13-01,1.5,ada@example.com";
  lines[2500] = "2026-10-01,a lot,ada@example.com";
  lines[2999] = "2026-10-01,1.5";
  const request = file(`Date,Amount,Email\n${lines.join("\n")}\n`);
  const { faults, faultCount, lines: good } = await preview(request);
  t.is(good, 2997);
  t.is(faultCount, 3);
  t.deepEqual(faults, [
    { line: 1501, detail: 'Date: "2026-13-01" is not a day such as 2026-11-20' },
    { line: 2502, detail: 'Amount: "a lot" is not a number such as 1234.50' },
    { line: 3001, detail: "2 cells where the header has 3" },
  ]);
  const error = await t.throwsAsync(load(request), { code: "FS_INPUT_INVALID" });
  t.regex(error.message, /^line 1501: .* \(and 2 more bad lines\); nothing was imported$/);
  t.true(isFlowstateError(error) && Array.isArray(error.details["faults"]));
  t.deepEqual(await readRows(opened.store, opened.orgId), []);
  t.deepEqual(await listImports(opened.store.reader, opened.orgId, 10), []);
});

testOnBothEngines("a file that changes while it is read undoes the import", async (t, opened) => {
  const { load } = on(opened);
  const good = file("Date,Amount\n2026-10-01,1\n2026-10-02,1\n");
  const bad = file("Date,Amount\n2026-10-01,1\n2026-10-02,oops\n");
  // Hash, separator and preview read it first; the transaction reads it last.
  let opens = 0;
  const request = { ...good, open: () => (++opens > 3 ? bad.open() : good.open()) };
  await t.throwsAsync(load(request), { code: "FS_CONFLICT", message: /line 3: .*nothing was imported/ });
  t.deepEqual(await readRows(opened.store, opened.orgId), []);
});

const focusHeader =
  "BilledCost,BillingAccountId,BillingCurrency,ChargeCategory,ChargeDescription,ChargePeriodStart,ChargePeriodEnd,ListCost,ConsumedQuantity,ConsumedUnit,ServiceName,SkuMeter,x_UserEmail,Surprise";
const focusLine = (cost: string, day: string, email = "ada@example.com") =>
  `${cost},acc-1,EUR,Usage,tokens,2026-10-${day}T00:00:00Z,2026-10-${day}T23:59:59Z,12,1000,Tokens,LLM,output,${email},x`;

testOnBothEngines("a restated FOCUS file revises the lines of the one before", async (t, opened) => {
  const { load, preview, context } = on(opened);
  const first = [focusHeader, focusLine("10", "01"), focusLine("10", "01"), focusLine("7", "02")].join("\n");
  const unpriced = await preview(file(first));
  t.is(unpriced.faultCount, 3);
  t.regex(unpriced.faults[0]?.detail ?? "", /no exchange rate of EUR holds on that day/);
  const rate = { currency: "EUR", usd: "1.1", fromDay: "2026-01-01" as UsageDate, source: "test" };
  await opened.store.transact((db) => setExchangeRate(db, context, rate));
  t.like(await load(file(first)), { added: 3, revised: 0 });
  const [row] = await readRows(opened.store, opened.orgId);
  t.like(row, {
    original_currency: "EUR",
    exchange_rate: "1.1",
    unit: "Tokens",
    quantity: "1000",
    sku: "output",
  });
  const restated = first.replace("7,acc-1", "9.5,acc-1");
  t.like(await load(file(restated)), { added: 0, revised: 1 });
  const amounts = byDay(await readRows(opened.store, opened.orgId)).map(
    ({ original_amount }) => original_amount,
  );
  t.deepEqual(amounts, ["10", "10", "9.5"]);
});

testOnBothEngines("a FOCUS line that breaks the rules is named with its column", async (t, opened) => {
  const { preview } = on(opened);
  const text = [
    focusHeader,
    focusLine("", "01"),
    focusLine("1", "01").replace("Usage", "usage"),
    focusLine("1", "01").replace("2026-10-01T00:00:00Z", "2026-10-01"),
    focusLine("1", "01").replace("EUR", "euro"),
  ].join("\n");
  const { profile, faults } = await preview(file(text));
  t.is(profile, "focus");
  t.deepEqual(
    faults.map(({ line, detail }) => `${line} ${detail.split(":")[0]}`),
    ["2 BilledCost is empty", "3 ChargeCategory", "4 ChargePeriodStart", "5 BillingCurrency"],
  );
});

const habits: readonly [
  what: string,
  text: string,
  given: Partial<GivenHabits>,
  amounts: readonly string[],
][] = [
  ["semicolons and decimal commas", "Date;Amount\n2026-10-01;1.234,50\n", { decimal: "comma" }, ["1234.5"]],
  ["cents", "Date,Amount\n2026-10-01,1234.5\n", { moneyUnit: "hundredth" }, ["12.345"]],
  ["American days", "Date,Amount\n10/31/2026,1\n", { dayOrder: "month-first" }, ["1"]],
  ["named columns", "When,Net,Gross\n2026-10-01,1,2\n", { columns: { date: "When", amount: "Net" } }, ["1"]],
  ["carriage returns", "Date,Amount\r\n2026-10-01,3\r\n", {}, ["3"]],
  [
    "a Copilot usage report",
    "date,username,product,sku,model,quantity,unit_type,gross_amount,discount_amount,net_amount,organization\n2026-10-01,ada,copilot,AI Credits,Claude,420,credits,4.2,4.2,0,acme\n",
    { kind: "GITHUB_COPILOT" },
    ["0"],
  ],
];

for (const [what, text, given, amounts] of habits) {
  testOnBothEngines(`${what} are read`, async (t, opened) => {
    await on(opened).load(file(text, given));
    const rows = await readRows(opened.store, opened.orgId);
    t.deepEqual(
      rows.map(({ original_amount }) => original_amount),
      amounts,
    );
  });
}

test("a bill is previewed, imported and taken back over GraphQL, and the catalogue shows it", async (t) => {
  await using running = await startRunning();
  const key = await running.apiKey(...permissions);
  const mutation = `mutation ($csv: String!, $preview: Boolean!) {
    importBilling(provider: CSV_IMPORT, service: "midjourney", fileName: "mj.csv", csv: $csv, preview: $preview) {
      lines faultCount faults { line detail } totals { period amount amountUsd } imported { id lines amountUsd }
    }
  }`;
  const day = dateOf(Date.now());
  const run = async (csv: string, preview: boolean) => running.graphql(key, mutation, { csv, preview });
  const bad = await run(`Date,Amount\n${day},12\nyesterday,1\n`, true);
  t.like(bad.data["importBilling"], {
    lines: 1,
    faultCount: 1,
    faults: [{ line: 3, detail: 'Date: "yesterday" is not a day such as 2026-11-20' }],
    imported: null,
  });
  t.deepEqual((await run(`Date,Amount\n${day},12\nyesterday,1\n`, false)).codes, ["FS_INPUT_INVALID"]);
  const good = await run(`Date,Amount\n${day},12\n`, false);
  const { imported } = good.data["importBilling"] as { readonly imported: { readonly id: string } };
  t.like(imported, { lines: "1", amountUsd: "12.00" });
  const catalogue = "{ orgAiServices { id state unobserved coverage } billingImports { id revertedAt } }";
  const service = async () => {
    const { data } = await running.graphql(key, catalogue);
    return (data["orgAiServices"] as readonly { readonly id: string }[]).find(
      ({ id }) => id === "midjourney",
    );
  };
  t.deepEqual(await service(), {
    id: "midjourney",
    state: "CONNECTED",
    unobserved: true,
    coverage: ["CATALOG_LISTED", "HOSTNAME_RECOGNISED"],
  } as Awaited<ReturnType<typeof service>>);
  await running.graphql(key, "mutation ($id: ID!) { revertBillingImport(id: $id) }", { id: imported.id });
  t.like(await service(), { state: "CATALOGUED", unobserved: false });
});

test("whatever the file holds, it is read or refused, and every line is accounted for", async (t) => {
  const cell = fc.oneof(
    fc.constantFrom("2026-10-01", "1,5", "$3", "Total", "", '"', "a;b", "=1+1", "\u{0}"),
    fc.string({ unit: "grapheme", maxLength: 6 }),
  );
  const text = fc
    .array(fc.array(cell, { minLength: 2, maxLength: 2 }), { maxLength: 6 })
    .map((rows) => ["Date,Amount", ...rows.map((row) => row.join(","))].join("\n"));
  const { habits: given } = file("");
  await fc.assert(
    fc.asyncProperty(text, async (csv) => {
      try {
        const { lines, faultCount, skipped } = await reportOn(file(csv).open, given, new Map());
        return lines + faultCount + skipped.length <= csv.split("\n").length - 1;
      } catch (error) {
        return isFlowstateError(error) && error.code === "FS_INPUT_INVALID";
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

const refusals: readonly [what: string, text: string | Uint8Array, message: RegExp][] = [
  ["nothing", "", /^the file is empty$/],
  ["a header alone", "Date,Amount\n", /no line to import below its header/],
  ["another encoding", new Uint8Array([0xff, 0xfe, 0x44, 0x00]), /is not text in UTF-8/],
  ["an open quotation mark", 'Date,Amount\n2026-10-01,"1\n', /a quotation mark is not closed/],
  [
    "a quotation mark inside a cell",
    'Date,Amount\n2026-10-01,#"1\n',
    /^line 2: a quotation mark stands inside/,
  ],
  ["no amounts", "Date,Colour\n2026-10-01,red\n", /^line 1: no column is known to hold the amount/],
  ["a column twice", "Date,Amount,Amount\n2026-10-01,1,2\n", /^line 1: the column "Amount" is there twice$/],
  [
    "American days without a word",
    "Date,Amount\n3/4/2026,1\n",
    /^line 2: Date: "3\/4\/2026" may be day first/,
  ],
];

testOnBothEngines("a file that is no bill is refused in one sentence", async (t, opened) => {
  for (const [what, text, message] of refusals) {
    await t.throwsAsync(on(opened).load(file(text)), { code: "FS_INPUT_INVALID", message }, what);
  }
});
