import { z } from "zod";
import { isFlowstateError } from "@flowstate/shared/errors";
import { addDays } from "@flowstate/shared/time";
import { stateAmount } from "../amount.ts";
import { billLine, type BillLine, type DayWindow, type Pulled } from "../connector.ts";
import { field, required } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { dayOf, readRecords, vendor } from "./reports.ts";

const path = "/v1/organizations/analytics/user_cost_report";
const feed = "people";

const row = z.object({
  actor: z.object({
    user_id: field.text,
    email: field.text.nullish(),
    name: field.text.nullish(),
  }),
  /** Cents as decimal text: after discount, and at list price. */
  amount: field.decimal,
  list_amount: field.decimal.nullish(),
  currency: field.text,
  requests: field.count.nullish(),
  product: field.text.nullish(),
  model: field.text.nullish(),
  starting_at: field.text,
});

/** Claude Team and Enterprise: cost beyond the seats by person, product and model. */
export async function* pullPeopleCosts(
  http: VendorHttp,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      yield* readAll(http, window, signal);
      yield { type: "covered", feed };
      return;
    } catch (error) {
      // The vendor refreshed its figures under our cursor (410): from the start. A line given twice is one line.
      const refreshed = isFlowstateError(error) && error.details["status"] === 410;
      if (!refreshed || attempt === 3) throw error;
    }
  }
}

async function* readAll(
  http: VendorHttp,
  { from, until }: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const query = {
    starting_at: `${from}T00:00:00Z`,
    ending_at: `${addDays(until, 1)}T00:00:00Z`,
    // Without it each person is one row for the whole range.
    bucket_width: "1d",
    "group_by[]": ["product", "model"],
    limit: 1000,
  };
  for await (const given of readRecords(http, { path, query, record: row }, signal)) {
    const { actor, product, model, currency, list_amount } = given;
    const day = dayOf(given.starting_at, path);
    if (actor.email != null) {
      const { user_id: value, email, name } = actor;
      yield {
        type: "identity",
        identity: { provider: "anthropic", kind: "vendor_user", value, email, label: name ?? email },
      };
    }
    const identity: BillLine["identity"] = { kind: "vendor_user", value: actor.user_id };
    yield billLine({
      feed,
      key: [day, actor.user_id, product ?? "", model ?? ""].join("|"),
      service: product === "claude_code" ? "claude-code" : "claude",
      identity,
      day,
      description: `Claude ${product ?? "usage"}${model == null ? "" : `, ${model}`}`,
      amount: required(stateAmount(given.amount, currency, "hundredth"), vendor, path),
      listAmount:
        list_amount == null ? null : required(stateAmount(list_amount, currency, "hundredth"), vendor, path),
      model: model ?? null,
      sku: product ?? null,
      requests: given.requests ?? null,
      record: given,
    });
  }
}
