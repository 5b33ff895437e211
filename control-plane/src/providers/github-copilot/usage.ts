import { z } from "zod";
import { dayMs, type UsageDate } from "@flowstate/shared/time";
import { stateAmount, subtractDecimals } from "../amount.ts";
import { billLine, type DayWindow, type Pulled } from "../connector.ts";
import { daysOf } from "../days.ts";
import { field, readAnswer, required } from "../exact-json.ts";
import type { CopilotSeat, Organisation } from "./seats.ts";

const vendor = "GitHub";

/** AI credits since June 2026, premium requests before. */
const reports = ["ai_credit", "premium_request"] as const;

const item = z.object({
  product: field.text,
  sku: field.text,
  model: field.text,
  unitType: field.text,
  grossQuantity: field.decimal,
  grossAmount: field.decimal,
  netAmount: field.decimal,
});
type Item = z.output<typeof item>;

const answer = z.object({ usageItems: z.array(item) });

/**
 * Billed usage by day, person, SKU and model. Included credits are a discount: the gross amount is the list price, the
 * net one is billed. GitHub names a person only when asked for one, and refuses that where an enterprise owns the
 * organisation; the whole then stays with the organisation.
 */
export async function* pullUsage(
  org: Organisation,
  seats: readonly CopilotSeat[],
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (const report of reports) {
    let namesPersons = true;
    let isAllowed = true;
    for (const day of daysOf(window)) {
      const total = await readDay(org, report, day, null, signal);
      if (total === null) {
        isAllowed = false;
        break;
      }
      const shares: { readonly login: string; readonly items: readonly Item[] }[] = [];
      for (const { login } of total.length > 0 && namesPersons ? activeOn(seats, day) : []) {
        const items = await readDay(org, report, day, login, signal);
        namesPersons = items !== null;
        if (items === null) break;
        shares.push({ login, items });
      }
      const named = namesPersons ? shares : [];
      for (const { login, items } of named)
        for (const each of items) yield toLine(each, report, day, login, org);
      for (const each of total) {
        const parts = named.flatMap(({ items }) => items.filter((part) => cellOf(part) === cellOf(each)));
        const rest = restOf(each, parts);
        if (rest !== null) yield toLine(rest, report, day, null, org);
      }
    }
    if (isAllowed) yield { type: "covered", feed: report };
  }
}

/** Seats that GitHub has not seen since before the day cannot have used it; what GitHub cannot tell is asked. */
function activeOn(seats: readonly CopilotSeat[], day: UsageDate): readonly CopilotSeat[] {
  const start = Date.parse(`${day}T00:00:00Z`);
  return seats.filter(({ lastActiveAt }) => lastActiveAt === null || lastActiveAt >= start - dayMs);
}

/** A day's items; null where the token may not read them. */
async function readDay(
  { http, organisation }: Organisation,
  report: (typeof reports)[number],
  day: UsageDate,
  user: string | null,
  signal: AbortSignal,
): Promise<readonly Item[] | null> {
  const path = `/organizations/${organisation}/settings/billing/${report}/usage`;
  const [year, month, date] = day.split("-").map(Number);
  const query = { year, month, day: date, user };
  const { status, text } = await http.send({ path, query, expect: [200, 403, 404] }, signal);
  if (status !== 200) return null;
  return readAnswer(text, answer, vendor, path).usageItems;
}

function cellOf({ product, sku, model, unitType }: Item): string {
  return [product, sku, model, unitType].join("|");
}

/** The part of a day's item that no seat has caused, such as people who have left; null where there is none. */
function restOf(each: Item, named: readonly Item[]): Item | null {
  const left = (of: "grossQuantity" | "grossAmount" | "netAmount"): string =>
    subtractDecimals(each[of], ...named.map((part) => part[of]));
  const rest = {
    ...each,
    grossQuantity: left("grossQuantity"),
    grossAmount: left("grossAmount"),
    netAmount: left("netAmount"),
  };
  return rest.grossQuantity === "0" && rest.netAmount === "0" ? null : rest;
}

function toLine(
  each: Item,
  report: (typeof reports)[number],
  day: UsageDate,
  login: string | null,
  { organisation }: Organisation,
): Pulled {
  const { sku, model, unitType, grossQuantity, grossAmount, netAmount } = each;
  return billLine({
    feed: report,
    key: [day, login ?? "", cellOf(each)].join("|"),
    service: "github-copilot",
    account: organisation,
    identity: login === null ? { kind: "org", value: null } : { kind: "login", value: login },
    day,
    description: model === "" ? sku : `${sku}, ${model}`,
    amount: required(stateAmount(netAmount, "USD"), vendor, report),
    listAmount: required(stateAmount(grossAmount, "USD"), vendor, report),
    model: model === "" ? null : model,
    sku,
    quantity: { value: grossQuantity, unit: unitType },
    record: each,
  });
}
