import { z } from "zod";
import { addMonths, parseUsageDate, periodOfDate, type Period } from "@flowstate/shared/time";
import { stateAmount } from "../amount.ts";
import { billLine, type Credentials, type DayWindow, type Pulled } from "../connector.ts";
import { field, readAnswer, required } from "../exact-json.ts";
import { seatLines } from "../seats.ts";
import type { CopilotSeat, Organisation } from "./seats.ts";

const vendor = "GitHub";
const feed = "fees";

const usage = z.object({
  usageItems: z
    .array(
      z.object({
        date: field.text,
        product: field.text,
        sku: field.text,
        /** GitHub's description says integer; its answers hold fractions. */
        quantity: field.decimal,
        unitType: field.text,
        grossAmount: field.decimal,
        netAmount: field.decimal,
        organizationName: field.text.nullish(),
      }),
    )
    .nullish(),
});
type Item = NonNullable<z.output<typeof usage>["usageItems"]>[number];

export interface FeeContext {
  readonly window: DayWindow;
  readonly now: number;
  readonly credentials: Credentials;
}

/**
 * What the seats cost: from the organisation's bill where the token may read it, else seats at the contract's price.
 * Credits and premium requests stand on that bill too and are left to their own reports, which name more.
 */
export async function* pullSeatFees(
  org: Organisation,
  seats: readonly CopilotSeat[],
  { window, now, credentials }: FeeContext,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (
    let month = periodOfDate(window.from);
    month <= periodOfDate(window.until);
    month = addMonths(month, 1)
  ) {
    const items = await readMonth(org, month, signal);
    if (items === null) {
      yield* pricedSeats(seats, { window, now, credentials });
      return;
    }
    for (const item of items) {
      const isFee = /^copilot$/i.test(item.product) && !/credit|premium request/i.test(item.sku);
      const line = isFee ? toLine(item, org) : null;
      if (line?.type === "line" && line.line.day >= window.from && line.line.day <= window.until) yield line;
    }
  }
  yield { type: "covered", feed };
}

function pricedSeats(
  seats: readonly CopilotSeat[],
  { window, now, credentials }: FeeContext,
): Iterable<Pulled> {
  const named = seats.flatMap(({ email, plan }) => (email === null ? [] : { email, plan }));
  return seatLines({ vendor: "Copilot", service: "github-copilot", seats: named }, credentials, window, now);
}

async function readMonth(
  { http, organisation }: Organisation,
  month: Period,
  signal: AbortSignal,
): Promise<readonly Item[] | null> {
  const path = `/organizations/${organisation}/settings/billing/usage`;
  const [year, number] = month.split("-").map(Number);
  const { status, text } = await http.send(
    { path, query: { year, month: number }, expect: [200, 403, 404] },
    signal,
  );
  if (status !== 200) return null;
  return readAnswer(text, usage, vendor, path).usageItems ?? [];
}

function toLine(item: Item, { organisation }: Organisation): Pulled {
  const { sku, quantity, unitType, grossAmount, netAmount } = item;
  const day = required(parseUsageDate(item.date.slice(0, 10)), vendor, "usageItems[].date");
  return billLine({
    feed,
    key: [day, sku, unitType, item.organizationName ?? ""].join("|"),
    chargeCategory: "Purchase",
    chargeFrequency: "Recurring",
    service: "github-copilot",
    account: item.organizationName ?? organisation,
    identity: { kind: "org", value: null },
    day,
    description: sku,
    amount: required(stateAmount(netAmount, "USD"), vendor, "usageItems[].netAmount"),
    listAmount: required(stateAmount(grossAmount, "USD"), vendor, "usageItems[].grossAmount"),
    sku,
    quantity: { value: quantity, unit: unitType },
    record: item,
  });
}
