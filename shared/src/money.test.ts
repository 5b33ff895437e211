import test from "ava";
import fc from "fast-check";
import {
  addUsd,
  divideHalfEven,
  formatUsd,
  parseDecimal,
  parseUnitPrice,
  parseUsd,
  picoCost,
  picoToNano,
  splitUsd,
  type NanoUsd,
} from "./money.ts";

const parsed: [text: string, nanoUsd: bigint | "refused"][] = [
  ["0", 0n],
  ["12", 12_000_000_000n],
  ["12.5", 12_500_000_000n],
  ["-0.000000001", -1n],
  ["+3.", 3_000_000_000n],
  ["0.0104290005", 10_429_000n],
  ["0.0104290015", 10_429_002n],
  ["1.3e-7", 130n],
  ["2E3", 2_000_000_000_000n],
  ["123456789012345.123456789", 123_456_789_012_345_123_456_789n],
  ["", "refused"],
  [".5", "refused"],
  ["1,000", "refused"],
  ["1.2.3", "refused"],
  ["NaN", "refused"],
  ["0x10", "refused"],
  ["1e9999", "refused"],
  ["$5", "refused"],
];

for (const [text, expected] of parsed) {
  test(`US dollars ${JSON.stringify(text)} -> ${expected}`, (t) => {
    const result = parseUsd(text);
    t.is<bigint | string, bigint | string>(result.ok ? result.value : "refused", expected);
  });
}

test("a published token price is whole in pico-dollars", (t) => {
  const price = parseUnitPrice("1.3e-10");
  t.true(price.ok && price.value === 130n);
});

test("tokens times price is rounded once, half to even, when it becomes nano-dollars", (t) => {
  const price = parseUnitPrice("0.0000000005");
  t.true(price.ok && picoToNano(picoCost(1n, price.value)) === 0n);
  t.true(price.ok && picoToNano(picoCost(3n, price.value)) === 2n);
});

const amount = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }).map((value) => value as NanoUsd);

test("printing and parsing an amount gives the amount back", (t) => {
  fc.assert(
    fc.property(amount, (value) => {
      const back = parseUsd(formatUsd(value));
      return back.ok && back.value === value;
    }),
  );
  t.pass();
});

test("parts of a split sum to the whole and none is further than one nano-dollar from its share", (t) => {
  const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(amount, weights, (whole, shares) => {
      const total = shares.reduce((sum, share) => sum + share, 0n);
      const parts = splitUsd(whole, shares);
      if (total === 0n) return parts === null;
      if (parts === null || addUsd(...parts) !== whole) return false;
      return parts.every((part, index) => {
        const error = part * total - whole * (shares[index] ?? 0n);
        return error <= total && error >= -total;
      });
    }),
  );
  t.pass();
});

test("rounding half to even is symmetric and never off by more than half", (t) => {
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt({ min: 1n, max: 10n ** 15n }), (dividend, divisor) => {
      const quotient = divideHalfEven(dividend, divisor);
      const error = (quotient * divisor - dividend) * 2n;
      const within = error <= divisor && error >= -divisor;
      const tieIsEven = error !== divisor && error !== -divisor ? true : quotient % 2n === 0n;
      return within && tieIsEven && divideHalfEven(-dividend, divisor) === -quotient;
    }),
  );
  t.pass();
});

test("no text makes the parser throw", (t) => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.integer({ min: 0, max: 12 }),
      (text, scale) => parseDecimal(text, scale).ok !== undefined,
    ),
  );
  t.pass();
});
