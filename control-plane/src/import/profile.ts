import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { BillLine } from "../providers/connector.ts";
import type { MoneyUnit } from "../providers/amount.ts";
import type { CellHabits } from "./cells.ts";

/** What of a line a column can hold. */
export const importFields = [
  "date",
  "amount",
  "list_amount",
  "currency",
  "person",
  "login",
  "api_key",
  "account",
  "service",
  "model",
  "sku",
  "description",
  "quantity",
  "unit",
  "requests",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
] as const;
export type ImportField = (typeof importFields)[number];

/** Column names by what they hold. */
export type ColumnMap = Readonly<Partial<Record<ImportField, string>>>;

/** What the admin says about a file. */
export interface ImportHabits extends CellHabits {
  /** Currency of amounts where no column states one. */
  readonly currency: string;
  readonly moneyUnit: MoneyUnit;
  /** Catalogue id of lines where no column names a service. */
  readonly service: string;
  /** Columns that the admin named; they win over the profile's. */
  readonly columns: ColumnMap;
}

/** What becomes of one record. */
export type LineOutcome =
  | {
      readonly kind: "line";
      readonly line: Omit<BillLine, "feed" | "key">;
      readonly identifying: readonly string[];
    }
  /** A total, or a line that says itself that it is none. */
  | { readonly kind: "skipped"; readonly why: string }
  | { readonly kind: "fault"; readonly detail: string };

/** A record of the file by column name. */
export type Cells = (column: string) => string;

/** A kind of file that is known by its header. */
export interface ImportProfile {
  readonly id: string;
  /** Whether lines have identities of their own, so that the same line in another file is the same line. */
  readonly natural: boolean;
  readonly read: (cells: Cells, habits: ImportHabits) => LineOutcome;
}

/** Exports of vendors' dashboards as column maps. A header fits where it has every column of `header`. */
interface KnownExport {
  readonly id: string;
  readonly header: readonly string[];
  readonly columns: ColumnMap;
}

const knownExports: readonly KnownExport[] = [
  {
    id: "github-copilot",
    header: ["date", "username", "sku", "net_amount", "gross_amount"],
    columns: {
      date: "date",
      amount: "net_amount",
      list_amount: "gross_amount",
      login: "username",
      account: "organization",
      model: "model",
      sku: "sku",
      quantity: "quantity",
      unit: "unit_type",
    },
  },
  {
    id: "cursor",
    header: ["Date", "Kind", "Model", "Cost"],
    columns: {
      date: "Date",
      amount: "Cost",
      person: "User",
      model: "Model",
      sku: "Kind",
      output_tokens: "Output Tokens",
      cache_read_tokens: "Cache Read",
    },
  },
];

/** Usual names of columns, tried where neither the admin nor a known export names one. Compared without case or marks. */
const usualNames: Readonly<Partial<Record<ImportField, readonly string[]>>> = {
  date: ["date", "usage date", "day", "invoice date", "usage_date"],
  amount: ["amount", "cost", "cost (usd)", "amount (usd)", "total", "net amount", "total cost"],
  currency: ["currency", "currency code"],
  person: ["email", "e-mail", "user email", "user", "member"],
  account: ["account", "project", "workspace"],
  model: ["model"],
  description: ["description", "item", "line item", "product"],
  quantity: ["quantity"],
  unit: ["unit", "unit type"],
  requests: ["requests"],
  input_tokens: ["input tokens", "prompt tokens"],
  output_tokens: ["output tokens", "completion tokens"],
};

/** The columns that hold each field, given the header. Refused where one that was named is not there, or one is vital. */
export function resolveColumns(
  header: readonly string[],
  named: ColumnMap,
): Parsed<{ readonly profile: string; readonly columns: ColumnMap }> {
  const missing = Object.entries(named).find(([, column]) => !header.includes(column));
  if (missing !== undefined) {
    return refuse("no_column", `line 1: there is no column "${missing[1]}"; there are: ${header.join(", ")}`);
  }
  const known = knownExports.find((each) => each.header.every((column) => header.includes(column))) ?? null;
  const found = Object.fromEntries(
    importFields.flatMap((name) => {
      const own = known?.columns[name];
      const column =
        named[name] ??
        (own !== undefined && header.includes(own) ? own : undefined) ??
        (known === null ? findUsual(header, usualNames[name] ?? []) : undefined);
      return column === undefined ? [] : [[name, column]];
    }),
  ) as ColumnMap;
  const vital = (["date", "amount"] as const).find((name) => found[name] === undefined);
  return vital === undefined
    ? ok({ profile: known?.id ?? "generic", columns: found })
    : refuse("no_column", `line 1: no column is known to hold the ${vital}; name it, e.g. ${vital}=Column`);
}

function findUsual(header: readonly string[], names: readonly string[]): string | undefined {
  return names
    .map((name) => header.find((column) => column.trim().toLowerCase() === name))
    .find((column) => column !== undefined);
}
