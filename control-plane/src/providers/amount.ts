import { assert } from "@flowstate/shared/assert";
import { parseDecimal } from "@flowstate/shared/money";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** An amount as the vendor stated it, in whole units of its currency: no digit is lost on the way. */
export interface StatedAmount {
  /** Plain decimal text, e.g. "12.345". */
  readonly text: string;
  /** ISO 4217 code in capitals. */
  readonly currency: string;
}

/** What one unit of the vendor's number is: a dollar, a cent. Nothing else differs as often between vendors. */
export type MoneyUnit = "whole" | "hundredth";

/**
 * Reads an amount from the text of the vendor's number. Nothing passes through a float.
 *
 *     stateAmount("1234.5", "usd", "hundredth")  ->  { text: "12.345", currency: "USD" }
 */
export function stateAmount(
  text: string,
  currency: string,
  unit: MoneyUnit = "whole",
): Parsed<StatedAmount, "not_a_decimal" | "not_a_currency"> {
  const code = currency.trim().toUpperCase();
  if (!/^[A-Z]{3}$/.test(code)) {
    return refuse("not_a_currency", `"${currency.slice(0, 40)}" is not a currency code such as USD`);
  }
  const parsed = parseDecimal(text, exactDigits);
  if (!parsed.ok) return parsed;
  const scale = unit === "hundredth" ? exactDigits + 2 : exactDigits;
  return ok({ text: formatDecimal(parsed.value, scale), currency: code });
}

/** More digits than any vendor writes; a double's shortest text has at most 17 and stays whole down to 1e-23. */
const exactDigits = 40;

/** An integer at `scale` digits after the point as plain decimal text without closing zeros. */
export function formatDecimal(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The exact sum of decimal texts. Each must have come through `stateAmount`. */
export function addDecimals(...texts: readonly string[]): string {
  const scale = exactDigits + 2;
  const sum = texts.reduce((total, text) => {
    const parsed = parseDecimal(text, scale);
    assert(parsed.ok, "a sum of something else than stated amounts");
    return total + parsed.value;
  }, 0n);
  return formatDecimal(sum, scale);
}

/** What is left of a decimal text without others, exactly. */
export function subtractDecimals(from: string, ...texts: readonly string[]): string {
  return addDecimals(from, ...texts.map((text) => (text.startsWith("-") ? text.slice(1) : `-${text}`)));
}

/** The exact product of two decimal texts, such as credits and the price of one. */
export function multiplyDecimals(a: string, b: string): string {
  const [left, right] = [parseDecimal(a, exactDigits), parseDecimal(b, exactDigits)];
  assert(left.ok && right.ok, "a product of something else than decimals");
  return formatDecimal(left.value * right.value, exactDigits * 2);
}
