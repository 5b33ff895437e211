import { z } from "zod";
import type { UsageDate } from "@flowstate/shared/time";
import { stateAmount } from "../amount.ts";
import { billLine, type BillLine, type DayWindow, type Pulled } from "../connector.ts";
import { boundsOf } from "../days.ts";
import { field, required } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readBuckets, vendor } from "./reports.ts";

const path = "/organization/costs";
const feed = "costs";

const cost = z.object({
  /** Dollars as a number; some answers carry text. */
  amount: z.object({ value: field.decimal, currency: field.text }),
  line_item: field.text.nullish(),
  project_id: field.text.nullish(),
  api_key_id: field.text.nullish(),
  quantity: field.decimal.nullish(),
  quantity_unit: field.text.nullish(),
});

/** The bill: what a day cost by project, key and line item. It names no person; a key's owner does. */
export async function* pullCosts(
  http: VendorHttp,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const report = { path, groupBy: ["project_id", "line_item", "api_key_id"], result: cost };
  for await (const { day, result } of readBuckets(http, report, window, signal)) {
    const { amount, line_item: item, project_id: project, api_key_id: key, quantity, quantity_unit } = result;
    yield billLine({
      feed,
      key: [day, project ?? "", key ?? "", item ?? ""].join("|"),
      service: "openai-api",
      account: project ?? null,
      identity: whoseIs(project ?? null, key ?? null),
      day,
      description: item ?? "cost",
      amount: required(stateAmount(amount.value, amount.currency), vendor, path),
      ...splitLineItem(item ?? null),
      quantity: quantity == null || quantity_unit == null ? null : { value: quantity, unit: quantity_unit },
      record: result,
    });
  }
  yield { type: "covered", feed };
}

function whoseIs(project: string | null, key: string | null): BillLine["identity"] {
  if (key !== null) return { kind: "api_key", value: key };
  return project === null ? { kind: "org", value: null } : { kind: "project", value: project };
}

/** "gpt-5.4, input" names a model and what of it was used; "web search" names neither. */
function splitLineItem(item: string | null): Pick<BillLine, "model" | "sku"> {
  const [, model = null, sku = null] = /^([^,]+), (.+)$/.exec(item ?? "") ?? [];
  return { model, sku: sku ?? item };
}

/** The cheapest call that only an admin key passes. */
export async function probeCosts(http: VendorHttp, day: UsageDate, signal: AbortSignal): Promise<void> {
  const query = { start_time: boundsOf({ from: day, until: day }).startMs / 1000, limit: 1 };
  await http.json({ path, query, schema: z.object({ data: z.array(z.unknown()) }) }, signal);
}
