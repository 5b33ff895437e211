import { addDecimals, stateAmount } from "../providers/amount.ts";
import { billLine, type BillLine } from "../providers/connector.ts";
import { parseDay, parseNumber } from "./cells.ts";
import type { Cells, ColumnMap, ImportField, ImportHabits, ImportProfile, LineOutcome } from "./profile.ts";

/** A file whose columns are mapped one by one: any vendor's export, or a sheet that somebody made. */
export function genericProfile(id: string, columns: ColumnMap): ImportProfile {
  return { id, natural: false, read: (cells, habits) => readLine(cells, columns, habits) };
}

function readLine(cells: Cells, columns: ColumnMap, habits: ImportHabits): LineOutcome {
  const cell = (name: ImportField): string => {
    const column = columns[name];
    return column === undefined ? "" : cells(column);
  };
  const texts = [cell("date"), cell("description"), cell("person"), cell("login")];
  if (texts.some((text) => /^(?:grand |sub)?total\b/i.test(text))) {
    return { kind: "skipped", why: "a total, not a line" };
  }
  const day = parseDay(cell("date"), habits.dayOrder);
  if (!day.ok) return fault(`${columns.date ?? "date"}: ${day.detail}`);
  const currency = cell("currency") === "" ? habits.currency : cell("currency");
  const amount = readAmount(cell("amount"), currency, habits);
  if (!amount.ok) return fault(`${columns.amount ?? "amount"}: ${amount.detail}`);
  const list = cell("list_amount") === "" ? null : readAmount(cell("list_amount"), currency, habits);
  if (list?.ok === false) return fault(`${columns.list_amount ?? "list amount"}: ${list.detail}`);
  const counts = readCounts(cell, columns);
  if ("detail" in counts) return fault(counts.detail);
  const { requests, ...tokens } = counts;
  const hasTokens = Object.values(tokens).some((count) => count !== null);
  const quantity = cell("quantity") === "" ? null : parseNumber(cell("quantity"), habits.decimal);
  if (quantity?.ok === false) return fault(`${columns.quantity ?? "quantity"}: ${quantity.detail}`);
  const service = cell("service") === "" ? habits.service : cell("service").toLowerCase();
  const known = {
    service,
    account: textOf(cell("account")),
    identity: identityOf(cell),
    day: day.value,
    description: describe(cell),
    model: textOf(cell("model")),
    sku: textOf(cell("sku")),
  };
  const { line } = billLine({
    feed: "",
    key: "",
    ...known,
    amount: amount.value,
    listAmount: list === null ? null : list.value,
    tokens: hasTokens ? tokens : null,
    requests,
    quantity: quantity === null ? null : { value: addDecimals(quantity.value), unit: cell("unit") || "unit" },
    chargeCategory: amount.value.text.startsWith("-") ? "Credit" : "Usage",
    record: null,
  });
  return { kind: "line", line, identifying: [] };
}

function readAmount(cell: string, currency: string, { decimal, moneyUnit }: ImportHabits) {
  const number = parseNumber(cell, decimal);
  return number.ok ? stateAmount(number.value, currency, moneyUnit) : number;
}

const countFields = {
  requests: "requests",
  input: "input_tokens",
  output: "output_tokens",
  cacheRead: "cache_read_tokens",
  cacheWrite: "cache_write_tokens",
} as const satisfies Record<string, ImportField>;

type Counts = Readonly<Record<keyof typeof countFields, bigint | null>>;

function readCounts(
  cell: (name: ImportField) => string,
  columns: ColumnMap,
): Counts | { readonly detail: string } {
  const counts = Object.entries(countFields).map(([name, from]) => {
    const text = cell(from).replaceAll(",", "");
    return {
      name,
      from,
      text,
      value: /^\d{1,18}(?:\.0+)?$/.test(text) ? BigInt(text.split(".")[0] ?? "") : null,
    };
  });
  const bad = counts.find(({ text, value }) => text !== "" && value === null);
  if (bad !== undefined)
    return { detail: `${columns[bad.from] ?? bad.from}: "${bad.text.slice(0, 40)}" is not a whole number` };
  return Object.fromEntries(counts.map(({ name, value }) => [name, value])) as Counts;
}

function identityOf(cell: (name: ImportField) => string): BillLine["identity"] {
  const person = cell("person").trim();
  if (person.includes("@")) return { kind: "email", value: person.toLowerCase() };
  if (person !== "") return { kind: "vendor_user", value: person };
  if (cell("login") !== "") return { kind: "login", value: cell("login") };
  if (cell("api_key") !== "") return { kind: "api_key", value: cell("api_key") };
  return { kind: "org", value: null };
}

function describe(cell: (name: ImportField) => string): string {
  const parts = [cell("description"), cell("sku"), cell("model")].filter((text) => text !== "");
  return parts[0] === undefined ? "imported line" : [...new Set(parts)].join(", ").slice(0, 500);
}

function textOf(cell: string): string | null {
  return cell === "" ? null : cell.slice(0, 500);
}

function fault(detail: string): LineOutcome {
  return { kind: "fault", detail };
}
