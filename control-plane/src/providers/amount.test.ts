import test from "ava";
import fc from "fast-check";
import { parseDecimal } from "@flowstate/shared/money";
import { addDecimals, formatDecimal, multiplyDecimals, stateAmount, type MoneyUnit } from "./amount.ts";

const cases: readonly [text: string, currency: string, unit: MoneyUnit, expected: string][] = [
  ["1234.5", "USD", "hundredth", "12.345 USD"],
  ["0.1", "usd", "hundredth", "0.001 USD"],
  ["3.2100000000000004", "usd", "whole", "3.2100000000000004 USD"],
  ["12", " eur ", "whole", "12 EUR"],
  ["1.3e-10", "USD", "whole", "0.00000000013 USD"],
  ["-0.50", "USD", "hundredth", "-0.005 USD"],
  ["0", "USD", "whole", "0 USD"],
  ["12345678901234567890.000000001", "USD", "whole", "12345678901234567890.000000001 USD"],
  ["1,5", "USD", "whole", "refused: not_a_decimal"],
  ["", "USD", "whole", "refused: not_a_decimal"],
  ["Infinity", "USD", "whole", "refused: not_a_decimal"],
  ["1", "$", "whole", "refused: not_a_currency"],
];
for (const [text, currency, unit, expected] of cases) {
  test(`amount ${JSON.stringify(text)} ${currency} in ${unit}s -> ${expected}`, (t) => {
    const stated = stateAmount(text, currency, unit);
    t.is(stated.ok ? `${stated.value.text} ${stated.value.currency}` : `refused: ${stated.reason}`, expected);
  });
}

const scaled = fc.record({
  value: fc.bigInt(-(10n ** 25n), 10n ** 25n),
  scale: fc.integer({ min: 0, max: 15 }),
});

test("text and integer are two forms of one number", (t) => {
  fc.assert(
    fc.property(scaled, ({ value, scale }) => {
      const parsed = parseDecimal(formatDecimal(value, scale), scale);
      t.deepEqual(parsed, { ok: true, value });
    }),
  );
});

test("sums and products of decimal texts are those of the integers behind them", (t) => {
  fc.assert(
    fc.property(scaled, scaled, (a, b) => {
      const [left, right] = [formatDecimal(a.value, a.scale), formatDecimal(b.value, b.scale)];
      const sum = a.value * 10n ** BigInt(15 - a.scale) + b.value * 10n ** BigInt(15 - b.scale);
      t.is(addDecimals(left, right), formatDecimal(sum, 15));
      t.is(multiplyDecimals(left, right), formatDecimal(a.value * b.value, a.scale + b.scale));
    }),
  );
});
