import test from "ava";
import fc from "fast-check";
import { parseDay, parseNumber } from "./cells.ts";
import { detectSeparator } from "./csv.ts";
import { resolveColumns } from "./profile.ts";

const numbers: readonly [cell: string, decimal: "point" | "comma", text: string | null][] = [
  ["12.5", "point", "12.5"],
  ["1,234.50", "point", "1234.50"],
  ["1,234,567", "point", "1234567"],
  ["$1,234.50", "point", "1234.50"],
  ["-$5.00", "point", "-5.00"],
  ["($5.00)", "point", "-5.00"],
  ["12.50 USD", "point", "12.50"],
  ["1.3e-10", "point", "1.3e-10"],
  ["12,5", "point", null],
  ["1,23,456", "point", null],
  ["", "point", null],
  ["-", "point", null],
  ["=1+1", "point", null],
  ["N/A", "point", null],
  ["1.234,50", "comma", "1234.50"],
  ["1.234,50 €", "comma", "1234.50"],
  ["12,5", "comma", "12.5"],
  ["1.234", "comma", "1234"],
  ["12.50", "comma", null],
];

for (const [cell, decimal, text] of numbers) {
  test(`number "${cell}" with a decimal ${decimal} is ${text ?? "refused"}`, (t) => {
    const parsed = parseNumber(cell, decimal);
    t.is(parsed.ok ? parsed.value : null, text);
  });
}

test("a number that was written with groups is read back", (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.nat(99), (whole, cents) => {
      const grouped = `${whole.toLocaleString("en-US")}.${String(cents).padStart(2, "0")}`;
      const parsed = parseNumber(grouped, "point");
      return parsed.ok && parsed.value === `${whole}.${String(cents).padStart(2, "0")}`;
    }),
  );
  t.pass();
});

const days: readonly [cell: string, order: "month-first" | "day-first" | null, day: string | null][] = [
  ["2026-10-03", null, "2026-10-03"],
  ["2026-10-03T23:59:59Z", null, "2026-10-03"],
  ["2026-10-03T23:30:00-05:00", null, "2026-10-04"],
  ["2026-10-03 12:00:00", null, "2026-10-03"],
  ["2026-10-03 12:00:00 UTC", null, "2026-10-03"],
  ["3/4/2026", "month-first", "2026-03-04"],
  ["3/4/2026", "day-first", "2026-04-03"],
  ["03.04.2026", "day-first", "2026-04-03"],
  ["3/4/2026", null, null],
  ["31/4/2026", "day-first", null],
  ["2026-02-30", null, null],
  ["October 3", null, null],
  ["", null, null],
];

for (const [cell, order, day] of days) {
  test(`day "${cell}", ${order ?? "no order"}: ${day ?? "refused"}`, (t) => {
    const parsed = parseDay(cell, order);
    t.is<string | null, string | null>(parsed.ok ? parsed.value : null, day);
  });
}

test("no cell makes a parser throw", (t) => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (cell) => {
      parseNumber(cell, "point");
      parseNumber(cell, "comma");
      parseDay(cell, "day-first");
      return true;
    }),
  );
  t.pass();
});

test("the separator is what the first line has most of, outside quotation marks", (t) => {
  t.is(detectSeparator("a,b,c"), ",");
  t.is(detectSeparator("a;b;c"), ";");
  t.is(detectSeparator("a\tb"), "\t");
  t.is(detectSeparator('"x,y,z";b;c'), ";");
  t.is(detectSeparator("one"), ",");
});

test("columns are found by the admin's word, by a known export, and by usual names", (t) => {
  const usual = resolveColumns(["Date", "Amount", "E-Mail"], {});
  t.deepEqual(usual.ok && usual.value, {
    profile: "generic",
    columns: { date: "Date", amount: "Amount", person: "E-Mail" },
  });
  const named = resolveColumns(["Date", "Net", "Amount"], { amount: "Net" });
  t.like(named.ok && named.value.columns, { amount: "Net" });
  const copilot = resolveColumns(["date", "username", "sku", "net_amount", "gross_amount"], {});
  t.like(copilot.ok && copilot.value, { profile: "github-copilot" });
  t.like(resolveColumns(["Date", "Amount"], { person: "Who" }), { ok: false });
  t.like(resolveColumns(["When", "Amount"], {}), { ok: false, reason: "no_column" });
});
