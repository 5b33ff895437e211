import { readFileSync } from "node:fs";
import { parseDecimal } from "@flowstate/shared/money";
import { parseInstant } from "@flowstate/shared/time";

/** One column of FOCUS 1.2, the open format for cost and usage (focus.finops.org). */
export interface FocusColumn {
  readonly id: string;
  readonly kind: "Dimension" | "Metric";
  /** Conditional: there where what it describes exists. */
  readonly level: "Mandatory" | "Conditional" | "Recommended" | "Optional";
  /** Whether a cell may be empty. */
  readonly nullable: boolean;
  readonly type: "String" | "Decimal" | "Date/Time" | "JSON";
  readonly format: "numeric" | "date-time" | "enum" | "currency" | "unit" | "key-value" | null;
  /** The allowed values of an enumeration. */
  readonly values?: readonly string[];
  /** The smallest number that is allowed. */
  readonly minimum?: number;
  /** Version of FOCUS that it came with. */
  readonly since: string;
}

/** Every column of FOCUS 1.2 in alphabetical order. Origin and licence stand in the data file. */
export const focusColumns: readonly FocusColumn[] = readColumns();

const byId = new Map(focusColumns.map((column) => [column.id, column]));

export function findFocusColumn(id: string): FocusColumn | null {
  return byId.get(id) ?? null;
}

/** What is wrong with the text of a cell by the rules of its column, in one sentence; null where it fits. */
export function faultOfCell(column: FocusColumn, cell: string): string | null {
  const { id, nullable, values } = column;
  if (cell === "") return nullable ? null : `${id} is empty`;
  const shown = `${id}: "${cell.slice(0, 40)}"`;
  switch (column.format) {
    case "numeric":
      return faultOfNumber(column, cell);
    case "date-time":
      return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(cell) && parseInstant(cell).ok
        ? null
        : `${shown} is not a UTC instant such as 2026-11-01T00:00:00Z`;
    case "enum":
      return values?.includes(cell) === false ? `${shown} is not one of ${values.join(", ")}` : null;
    case "currency":
      // Virtual currencies such as credits have names of their own; money has a code.
      return id === "BillingCurrency" && !/^[A-Z]{3}$/.test(cell)
        ? `${shown} is not a currency code such as USD`
        : null;
    case "key-value":
      return isKeyValue(cell) ? null : `${shown} is not a JSON object of plain values`;
    case "unit":
    case null:
      return null;
  }
}

function faultOfNumber({ id, minimum }: FocusColumn, cell: string): string | null {
  const parsed = parseDecimal(cell, 20);
  if (!parsed.ok) return `${id}: ${parsed.detail}`;
  if (minimum === undefined || parsed.value >= BigInt(minimum) * 10n ** 20n) return null;
  return `${id}: "${cell.slice(0, 40)}" is less than ${minimum}`;
}

function isKeyValue(cell: string): boolean {
  try {
    const value: unknown = JSON.parse(cell);
    return (
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((each) => typeof each !== "object" || each === null)
    );
  } catch {
    return false;
  }
}

function readColumns(): readonly FocusColumn[] {
  const file = new URL("columns.data.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { columns: readonly FocusColumn[] }).columns;
}
