import { z } from "zod";
import { billLine, type DayWindow, type Pulled } from "../connector.ts";
import { field, required } from "../exact-json.ts";
import { stateAmount } from "../amount.ts";
import type { VendorHttp } from "../http.ts";
import { readBuckets, vendor } from "./reports.ts";

const path = "/v1/organizations/cost_report";
const feed = "costs";

const cost = z.object({
  /** Cents as decimal text. */
  amount: field.decimal,
  currency: field.text,
  cost_type: field.text.nullish(),
  description: field.text.nullish(),
  model: field.text.nullish(),
  token_type: field.text.nullish(),
  service_tier: field.text.nullish(),
  context_window: field.text.nullish(),
  inference_geo: field.text.nullish(),
  workspace_id: field.text.nullish(),
});

/** The bill itself: what each workspace was charged a day, by line of the price list. It never names a person. */
export async function* pullCosts(
  http: VendorHttp,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const report = { path, groupBy: ["workspace_id", "description"], result: cost };
  for await (const { day, result } of readBuckets(http, report, window, signal)) {
    const { description, model, token_type, service_tier, context_window, inference_geo, cost_type } = result;
    // Requests without a workspace belong to the organisation's default one.
    const workspace = result.workspace_id ?? "default";
    const parts = [
      day,
      workspace,
      description,
      model,
      token_type,
      service_tier,
      context_window,
      inference_geo,
    ];
    yield billLine({
      feed,
      key: parts.map((part) => part ?? "").join("|"),
      service: "anthropic-api",
      account: workspace,
      identity: { kind: "workspace", value: workspace },
      day,
      description: description ?? cost_type ?? "cost",
      amount: required(stateAmount(result.amount, result.currency, "hundredth"), vendor, path),
      model: model ?? null,
      sku: token_type ?? cost_type ?? null,
      record: result,
    });
  }
  yield { type: "covered", feed };
}
