import { z } from "zod";
import { parseUsageDate } from "@flowstate/shared/time";
import { stateAmount } from "../amount.ts";
import { billLine, type DayWindow, type Pulled } from "../connector.ts";
import { field, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import { readPages } from "../pages.ts";
import { vendor, type Azure } from "./client.ts";

const feed = "costs";
const place = "Microsoft.CostManagement/query";

export interface CostQuestion {
  readonly scope: string;
  /** Names of services on the bill; empty: those that look like AI. */
  readonly serviceNames: readonly string[];
}

/** Azure has renamed these services more than once, and a filter by an old name gives an empty answer. */
const looksLikeAi = /openai|cognitive services|foundry|azure ai/i;

/** Numbers arrive as exact text, so that a cell is text or nothing. */
const answer = z.object({
  properties: z.object({
    columns: z.array(z.object({ name: field.text })),
    rows: z.array(z.array(z.string().nullable())),
    nextLink: field.text.nullish(),
  }),
});

/** A row by column name: positions vary. */
type Row = (column: string) => string | null;

/** Proves that the scope's costs may be read. */
export async function probeCosts(azure: Azure, scope: string, signal: AbortSignal): Promise<void> {
  const question = {
    type: "ActualCost",
    timeframe: "MonthToDate",
    dataset: dataset("None", ["ServiceName"]),
  };
  await azure.ask(queryPath(scope), question, answer, signal);
}

/** What each day cost by resource and meter. */
export async function* pullCosts(
  azure: Azure,
  { scope, serviceNames }: CostQuestion,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const timePeriod = { from: `${window.from}T00:00:00Z`, to: `${window.until}T23:59:59Z` };
  const custom = { type: "ActualCost", timeframe: "Custom", timePeriod };
  const services: string[] = [];
  for await (const row of readRows(
    azure,
    scope,
    { ...custom, dataset: dataset("None", ["ServiceName"]) },
    ["ServiceName"],
    signal,
  )) {
    const name = row("ServiceName") ?? "";
    const isAsked = serviceNames.length === 0 ? looksLikeAi.test(name) : serviceNames.includes(name);
    if (isAsked) services.push(name);
  }
  if (services.length > 0) {
    const filter = { dimensions: { name: "ServiceName", operator: "In", values: services } };
    const question = { ...custom, dataset: { ...dataset("Daily", ["ResourceId", "Meter"]), filter } };
    const columns = ["Cost", "UsageDate", "ResourceId", "Meter", "Currency"];
    for await (const row of readRows(azure, scope, question, columns, signal)) yield toLine(row, scope);
  }
  yield { type: "covered", feed };
}

function dataset(granularity: "Daily" | "None", dimensions: readonly string[]) {
  return {
    granularity,
    aggregation: { totalCost: { name: "Cost", function: "Sum" } },
    grouping: dimensions.map((name) => ({ type: "Dimension", name })),
  };
}

function queryPath(scope: string): string {
  return `/${scope}/providers/${place}?api-version=2025-03-01`;
}

async function* readRows(
  azure: Azure,
  scope: string,
  question: unknown,
  columns: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Row> {
  yield* readPages(vendor, async (link: string | null) => {
    const found = await azure.ask(link ?? queryPath(scope), question, answer, signal);
    if (found === null) return { items: [], next: null };
    const { properties } = found;
    const positions = new Map(properties.columns.map(({ name }, index) => [name, index]));
    const missing = columns.find((name) => !positions.has(name));
    if (missing !== undefined) {
      throw vendorError(
        "changed",
        `${vendor} changed its answer: properties.columns: no ${missing} (${place})`,
      );
    }
    const items = properties.rows.map(
      (cells): Row =>
        (column) =>
          cells[positions.get(column) ?? -1] ?? null,
    );
    return { items, next: pathOf(properties.nextLink ?? null) };
  });
}

/** Path and query of the next page. The host is ours to choose, so that the token goes nowhere else. */
function pathOf(link: string | null): string | null {
  if (link === null || link === "") return null;
  if (!URL.canParse(link))
    throw vendorError("changed", `${vendor} changed its answer: properties.nextLink (${place})`);
  const { pathname, search } = new URL(link);
  return `${pathname}${search}`;
}

function toLine(row: Row, scope: string): Pulled {
  const text = (column: string): string => {
    const cell = row(column);
    if (cell !== null) return cell;
    throw vendorError("changed", `${vendor} changed its answer: ${column} is null (${place})`);
  };
  // 20260917, a number.
  const day = required(
    parseUsageDate(text("UsageDate").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3")),
    vendor,
    place,
  );
  const resource = text("ResourceId").toLowerCase();
  const meter = text("Meter");
  const amount = stateAmount(text("Cost"), text("Currency"));
  return billLine({
    feed,
    key: [day, resource, meter].join("|"),
    service: "azure-openai",
    account: scope,
    identity: { kind: "resource", value: resource },
    day,
    description: meter,
    amount: required(amount, vendor, place),
    sku: meter,
    record: [day, resource, meter, amount],
  });
}
