import { z } from "zod";
import { addDays, parseUsageDate } from "@flowstate/shared/time";
import type { ChargeCategory } from "../../billing/tables.ts";
import { stateAmount } from "../amount.ts";
import { billLine, type DayWindow, type Pulled } from "../connector.ts";
import { field, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import { readPages } from "../pages.ts";
import { vendor, type CostExplorer } from "./client.ts";

const feed = "costs";

const dimensionValues = z.object({
  DimensionValues: z.array(z.object({ Value: field.text })),
  NextPageToken: field.text.nullish(),
});

/** Services of the bill that are Bedrock: third-party models are marketplace services of their own. */
export async function listServices(
  explorer: CostExplorer,
  window: DayWindow,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const input = { SearchString: "Bedrock", TimePeriod: periodOf(window), Dimension: "SERVICE" };
  const pages = readPages(vendor, async (token: string | null) => {
    const asked = token === null ? input : { ...input, NextPageToken: token };
    const found = await explorer.call("GetDimensionValues", asked, dimensionValues, signal);
    return { items: found.DimensionValues, next: found.NextPageToken ?? null };
  });
  const values = await Array.fromAsync(pages, ({ Value }) => Value);
  return values.filter((name) => /bedrock/i.test(name)).sort((a, b) => (a < b ? -1 : 1));
}

const metric = z.object({ Amount: field.decimal, Unit: field.text });

const costs = z.object({
  ResultsByTime: z.array(
    z.object({
      TimePeriod: z.object({ Start: field.text }),
      Groups: z
        .array(
          z.object({
            Keys: z.array(field.text),
            Metrics: z.object({ UnblendedCost: metric, UsageQuantity: metric.nullish() }),
          }),
        )
        .nullish(),
    }),
  ),
  NextPageToken: field.text.nullish(),
});

/** What each day cost by account, service and usage type, then taxes and credits by service. */
export async function* pullCosts(
  explorer: CostExplorer,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const services = await listServices(explorer, window, signal);
  for (const service of services) {
    const ofService = { Dimensions: { Key: "SERVICE", Values: [service] } };
    const usage = { And: [ofService, recordType] };
    for await (const cell of readCells(explorer, window, usage, ["LINKED_ACCOUNT", "USAGE_TYPE"], signal)) {
      yield toLine(cell, service, "Usage");
    }
    const rest = { And: [ofService, { Not: recordType }] };
    for await (const cell of readCells(explorer, window, rest, ["LINKED_ACCOUNT", "RECORD_TYPE"], signal)) {
      yield toLine(cell, service, categoryOf(cell.keys[1]));
    }
  }
  yield { type: "covered", feed };
}

const recordType = { Dimensions: { Key: "RECORD_TYPE", Values: ["Usage"] } };

interface Cell {
  readonly day: string;
  /** Linked account, and usage type or record type. */
  readonly keys: readonly [string, string];
  readonly cost: z.output<typeof metric>;
  readonly quantity: z.output<typeof metric> | null;
}

async function* readCells(
  explorer: CostExplorer,
  window: DayWindow,
  filter: unknown,
  dimensions: readonly [string, string],
  signal: AbortSignal,
): AsyncGenerator<Cell> {
  const input = {
    TimePeriod: periodOf(window),
    Granularity: "DAILY",
    Metrics: ["UnblendedCost", "UsageQuantity"],
    GroupBy: dimensions.map((Key) => ({ Type: "DIMENSION", Key })),
    Filter: filter,
  };
  yield* readPages(vendor, async (token: string | null) => {
    const asked = token === null ? input : { ...input, NextPageToken: token };
    const found = await explorer.call("GetCostAndUsage", asked, costs, signal);
    const items = found.ResultsByTime.flatMap(({ TimePeriod, Groups }) =>
      (Groups ?? []).map(({ Keys, Metrics }) => toCell(TimePeriod.Start, Keys, Metrics)),
    );
    return { items, next: found.NextPageToken ?? null };
  });
}

type Metrics = NonNullable<z.output<typeof costs>["ResultsByTime"][number]["Groups"]>[number]["Metrics"];

function toCell(day: string, keys: readonly string[], { UnblendedCost, UsageQuantity }: Metrics): Cell {
  const [account, type] = keys;
  if (account === undefined || type === undefined) {
    throw vendorError("changed", `${vendor} changed its answer: ResultsByTime[].Groups[].Keys: expected two`);
  }
  return { day, keys: [account, type], cost: UnblendedCost, quantity: UsageQuantity ?? null };
}

function toLine(
  { day: start, keys, cost, quantity }: Cell,
  service: string,
  category: ChargeCategory,
): Pulled {
  const [account, type] = keys;
  const day = required(parseUsageDate(start.slice(0, 10)), vendor, "GetCostAndUsage");
  return billLine({
    feed,
    key: [day, account, service, category, type].join("|"),
    chargeCategory: category,
    service: "aws-bedrock",
    account,
    identity: { kind: "workspace", value: account },
    day,
    description: `${service}: ${type}`,
    amount: required(stateAmount(cost.Amount, cost.Unit), vendor, "GetCostAndUsage"),
    model: modelOf(service),
    sku: type,
    quantity:
      category !== "Usage" || quantity === null ? null : { value: quantity.Amount, unit: quantity.Unit },
    record: [start, keys, cost, quantity],
  });
}

/** "Claude Sonnet 5 (Amazon Bedrock Edition)" names the model. */
function modelOf(service: string): string | null {
  return /^(.+) \(Amazon Bedrock Edition\)$/.exec(service)?.[1] ?? null;
}

function categoryOf(recordType: string): ChargeCategory {
  if (/tax/i.test(recordType)) return "Tax";
  if (/credit|refund/i.test(recordType)) return "Credit";
  // Usage under a discount or a savings plan.
  if (/usage/i.test(recordType)) return "Usage";
  return /fee|upfront|recurring/i.test(recordType) ? "Purchase" : "Adjustment";
}

/** Cost Explorer's end is exclusive. */
function periodOf({ from, until }: DayWindow) {
  return { Start: from, End: addDays(until, 1) };
}
