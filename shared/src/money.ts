import type { Brand } from "./brand.ts";
import { ok, refuse, type Parsed } from "./parsed.ts";

/** Integer number of nano-US-dollars: 1 US dollar is 1_000_000_000n. */
export type NanoUsd = Brand<bigint, "NanoUsd">;

/** Integer number of pico-US-dollars for one unit (token, second, image): 1 US dollar is 10^12. */
export type PicoUsdPerUnit = Brand<bigint, "PicoUsdPerUnit">;

export const zeroUsd = 0n as NanoUsd;

const decimal = /^([+-]?)(\d{1,30})(?:\.(\d{0,60}))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * An exact decimal as an integer at `scale` digits after the point. Digits beyond the scale are rounded half to even, once.
 * Takes what vendors send: "12", "12.5", "0.000001", "1.3e-10". Anything else is refused; nothing passes through a float.
 */
export function parseDecimal(text: string, scale: number): Parsed<bigint, "not_a_decimal"> {
  const match = decimal.exec(text);
  if (match === null) {
    return refuse("not_a_decimal", `"${text.slice(0, 40)}" is not a decimal number such as 12.50`);
  }
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction);
  const shift = scale - fraction.length + Number(exponent);
  const magnitude =
    shift >= 0 ? digits * 10n ** BigInt(shift) : divideHalfEven(digits, 10n ** BigInt(-shift));
  return ok(sign === "-" ? -magnitude : magnitude);
}

/** US dollars as a decimal string to nano-USD. */
export function parseUsd(text: string): Parsed<NanoUsd, "not_a_decimal"> {
  return parseDecimal(text, 9) as Parsed<NanoUsd, "not_a_decimal">;
}

/** A unit price in US dollars as a decimal string to pico-USD a unit. */
export function parseUnitPrice(text: string): Parsed<PicoUsdPerUnit, "not_a_decimal"> {
  return parseDecimal(text, 12) as Parsed<PicoUsdPerUnit, "not_a_decimal">;
}

/** Nano-USD as a plain decimal string with at least two and at most nine decimals: "12.50", "0.010429". */
export function formatUsd(amount: NanoUsd): string {
  const magnitude = amount < 0n ? -amount : amount;
  const whole = magnitude / 1_000_000_000n;
  const fraction = (magnitude % 1_000_000_000n)
    .toString()
    .padStart(9, "0")
    .replace(/0{1,7}$/, "");
  return `${amount < 0n ? "-" : ""}${whole}.${fraction}`;
}

/** Units x price, exact in pico-USD; round with `picoToNano` once, at the end of a sum. */
export function picoCost(units: bigint, price: PicoUsdPerUnit): bigint {
  return units * price;
}

export function picoToNano(pico: bigint): NanoUsd {
  return divideHalfEven(pico, 1000n) as NanoUsd;
}

export function addUsd(...amounts: readonly NanoUsd[]): NanoUsd {
  return amounts.reduce<bigint>((sum, amount) => sum + amount, 0n) as NanoUsd;
}

export function subtractUsd(from: NanoUsd, amount: NanoUsd): NanoUsd {
  return (from - amount) as NanoUsd;
}

/**
 * Splits an amount by weights so that the parts sum to it exactly (largest remainder; ties go to the earlier part).
 * Returns null when the weights sum to zero: there is then no fair split.
 */
export function splitUsd(amount: NanoUsd, weights: readonly bigint[]): NanoUsd[] | null {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (total <= 0n || weights.some((weight) => weight < 0n)) return null;
  const magnitude = amount < 0n ? -amount : amount;
  const sign = amount < 0n ? -1n : 1n;
  const shares = weights.map((weight) => (magnitude * weight) / total);
  const missing = Number(magnitude - shares.reduce((sum, share) => sum + share, 0n));
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (magnitude * weight) % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  const raised = new Set(byRemainder.slice(0, missing).map(({ index }) => index));
  return shares.map((share, index) => (sign * (raised.has(index) ? share + 1n : share)) as NanoUsd);
}

/** Integer division, rounded half to even, towards neither sign. */
export function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  if (divisor < 0n) return divideHalfEven(-dividend, -divisor);
  const negative = dividend < 0n;
  const magnitude = negative ? -dividend : dividend;
  const quotient = magnitude / divisor;
  const twice = (magnitude % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  const rounded = up ? quotient + 1n : quotient;
  return negative ? -rounded : rounded;
}
