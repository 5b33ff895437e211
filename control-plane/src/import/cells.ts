import { parseDecimal } from "@flowstate/shared/money";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { dateOf, parseInstant, parseUsageDate, type UsageDate } from "@flowstate/shared/time";

/** What `1,234` and `3/4/2026` mean, which no cell says of itself. */
export interface CellHabits {
  readonly decimal: "point" | "comma";
  /** Order of the numbers in a day such as 3/4/2026; null: such a day is refused. */
  readonly dayOrder: "month-first" | "day-first" | null;
}

/** A number as people and spreadsheets write it, as plain decimal text: `$1,234.50`, `(5.00)`, `1.234,50 €`. */
export function parseNumber(cell: string, decimal: CellHabits["decimal"]): Parsed<string, "not_a_number"> {
  const isBracketed = /^\(.*\)$/.test(cell.trim());
  const bare = cell
    .trim()
    .replace(/^\((.*)\)$/, "$1")
    .replace(/^([+-]?)\s*[$€£]\s*/, "$1")
    .replace(/\s*(?:[$€£]|[A-Z]{3})$/, "");
  const [group, point] = decimal === "point" ? [",", "."] : [".", ","];
  const grouped = new RegExp(`^[+-]?\\d{1,3}(?:\\${group}\\d{3})+(?:\\${point}\\d*)?$`);
  const plain = (grouped.test(bare) ? bare.replaceAll(group, "") : bare).replace(point, ".");
  const isPlain = decimal === "point" || !bare.includes(".") || grouped.test(bare);
  const parsed = isPlain ? parseDecimal(plain, 0) : refuse("not_a_decimal", "");
  if (!parsed.ok) {
    return refuse(
      "not_a_number",
      `"${cell.slice(0, 40)}" is not a number such as ${decimal === "point" ? "1234.50" : "1234,50"}`,
    );
  }
  return ok(isBracketed ? negate(plain) : plain);
}

function negate(text: string): string {
  return text.startsWith("-") ? text.slice(1) : `-${text.replace(/^\+/, "")}`;
}

/** A UTC day out of a day, an instant, or a day with slashes where its order is known. */
export function parseDay(cell: string, order: CellHabits["dayOrder"]): Parsed<UsageDate, "not_a_day"> {
  const text = cell.trim();
  const day = parseUsageDate(text);
  if (day.ok) return ok(day.value);
  const instant = parseInstant(text.replace(/ UTC$/, "Z"));
  if (instant.ok) return ok(dateOf(instant.value));
  const local = /^(\d{4}-\d{2}-\d{2})[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/.exec(text);
  const ofLocal = local === null ? null : parseUsageDate(local[1] ?? "");
  if (ofLocal?.ok === true) return ok(ofLocal.value);
  const slashed = /^(\d{1,2})[/.](\d{1,2})[/.](\d{4})$/.exec(text);
  if (slashed === null) return refuse("not_a_day", `"${cell.slice(0, 40)}" is not a day such as 2026-11-20`);
  if (order === null) {
    return refuse("not_a_day", `"${text}" may be day first or month first; say which`);
  }
  const [, first = "", second = "", year = ""] = slashed;
  const [month, dayOfMonth] = order === "month-first" ? [first, second] : [second, first];
  const turned = parseUsageDate(`${year}-${month.padStart(2, "0")}-${dayOfMonth.padStart(2, "0")}`);
  return turned.ok ? ok(turned.value) : refuse("not_a_day", `"${text}" is not a day of the calendar`);
}
