import test from "ava";
import { faultOfCell, findFocusColumn, focusColumns } from "./columns.ts";

const cases: readonly [column: string, cell: string, fault: RegExp | null][] = [
  ["BilledCost", "12.5", null],
  ["BilledCost", "1.3e-10", null],
  ["BilledCost", "-4", null],
  ["BilledCost", "", /^BilledCost is empty$/],
  ["BilledCost", "1,234.50", /^BilledCost: .* is not a decimal number/],
  ["BilledCost", "$5", /is not a decimal number/],
  ["ListUnitPrice", "-1", /is less than 0/],
  ["ListUnitPrice", "", null],
  ["BillingCurrency", "USD", null],
  ["BillingCurrency", "usd", /is not a currency code/],
  ["PricingCurrency", "AI Credits", null],
  ["ChargeCategory", "Usage", null],
  ["ChargeCategory", "usage", /is not one of Usage, Purchase/],
  ["ChargeClass", "", null],
  ["ChargePeriodStart", "2026-11-01T00:00:00Z", null],
  ["ChargePeriodStart", "2026-11-01", /is not a UTC instant/],
  ["ChargePeriodStart", "2026-13-01T00:00:00Z", /is not a UTC instant/],
  ["Tags", '{"employee":"ada","n":1,"none":null}', null],
  ["Tags", '{"a":{"b":1}}', /is not a JSON object of plain values/],
  ["Tags", "[1]", /is not a JSON object/],
  ["Tags", "{", /is not a JSON object/],
  ["ConsumedUnit", "1000 Tokens", null],
];

for (const [id, cell, fault] of cases) {
  test(`${id} "${cell}" ${fault === null ? "fits" : "is refused"}`, (t) => {
    const column = findFocusColumn(id);
    if (column === null) return t.fail("there is no such column");
    const found = faultOfCell(column, cell);
    return fault === null ? t.is(found, null) : t.regex(found ?? "", fault);
  });
}

test("the rules are those of FOCUS 1.2", (t) => {
  t.is(focusColumns.length, 57);
  t.is(focusColumns.filter(({ level }) => level === "Mandatory").length, 21);
  t.is(findFocusColumn("x_UserEmail"), null);
});
