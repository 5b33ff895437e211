import { z } from "zod";
import { dateOf } from "@flowstate/shared/time";
import { addDecimals, stateAmount } from "../amount.ts";
import { billLine, type BillLine, type DayWindow, type Pulled } from "../connector.ts";
import { boundsOf } from "../days.ts";
import { field, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import type { VendorHttp } from "../http.ts";
import { readPages } from "../pages.ts";

export const vendor = "Cursor";
const path = "/teams/filtered-usage-events";
const feed = "events";
const pageSize = 1000;

const event = z.object({
  timestamp: field.epoch,
  userEmail: field.text.nullish(),
  serviceAccountId: field.text.nullish(),
  model: field.text,
  kind: field.text,
  isChargeable: z.boolean().nullish(),
  /** Cents as a number, often with many decimals. */
  chargedCents: field.decimal.nullish(),
  tokenUsage: z
    .object({
      inputTokens: field.count.nullish(),
      outputTokens: field.count.nullish(),
      cacheWriteTokens: field.count.nullish(),
      cacheReadTokens: field.count.nullish(),
      totalCents: field.decimal.nullish(),
    })
    .nullish(),
});

const eventsPage = z.object({
  totalUsageEventsCount: field.count,
  pagination: z.object({ hasNextPage: z.boolean() }),
  usageEvents: z.array(event),
});

type UsageEvent = z.output<typeof event>;

/**
 * Requests with their charge, summed by day, person, model and kind: a request has no identifier of its own, and a
 * day's sum is the same in every pull.
 */
export async function* pullEvents(
  http: VendorHttp,
  window: DayWindow,
  now: number,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (const sum of (await readSums(http, window, now, signal)).values()) yield toLine(sum);
  yield { type: "covered", feed };
}

interface Sum {
  readonly day: BillLine["day"];
  readonly who: BillLine["identity"];
  readonly model: string;
  readonly kind: string;
  charged: string;
  listed: string;
  events: bigint;
  input: bigint;
  output: bigint;
  cacheRead: bigint;
  cacheWrite: bigint;
}

const readAttempts = 3;

/** Pages are numbered, so an event that comes in between shifts the rest: then the whole window is read again. */
async function readSums(
  http: VendorHttp,
  window: DayWindow,
  now: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Sum>> {
  const { startMs, endMs } = boundsOf(window);
  const body = { startDate: startMs, endDate: Math.min(endMs - 1, now), pageSize };
  for (let attempt = 0; attempt < readAttempts; attempt += 1) {
    const sums = new Map<string, Sum>();
    const totals = new Set<bigint>();
    let count = 0n;
    const events = readPages(vendor, async (page: number | null) => {
      const json = { ...body, page: page ?? 1 };
      const read = await http.json({ path, json, schema: eventsPage }, signal);
      totals.add(read.totalUsageEventsCount);
      return { items: read.usageEvents, next: read.pagination.hasNextPage ? json.page + 1 : null };
    });
    for await (const each of events) {
      count += 1n;
      addTo(sums, each);
    }
    if (totals.size === 1 && totals.has(count)) return sums;
  }
  throw vendorError("unreachable", `${vendor}: the list of requests kept changing as it was read (${path})`);
}

function addTo(sums: Map<string, Sum>, given: UsageEvent): void {
  const day = dateOf(given.timestamp);
  const who = whoseIs(given);
  const { model, kind, tokenUsage } = given;
  const key = keyOf({ day, who, model, kind });
  const sum = sums.get(key) ?? { day, who, model, kind, ...nothing };
  sums.set(key, {
    ...sum,
    charged: addDecimals(sum.charged, chargeOf(given)),
    listed: addDecimals(sum.listed, tokenUsage?.totalCents ?? "0"),
    events: sum.events + 1n,
    input: sum.input + (tokenUsage?.inputTokens ?? 0n),
    output: sum.output + (tokenUsage?.outputTokens ?? 0n),
    cacheRead: sum.cacheRead + (tokenUsage?.cacheReadTokens ?? 0n),
    cacheWrite: sum.cacheWrite + (tokenUsage?.cacheWriteTokens ?? 0n),
  });
}

const nothing = {
  charged: "0",
  listed: "0",
  events: 0n,
  input: 0n,
  output: 0n,
  cacheRead: 0n,
  cacheWrite: 0n,
};

/** What is included in the plan says so and costs nothing; a charge that is merely absent is unknown. */
function chargeOf({ chargedCents, isChargeable }: UsageEvent): string {
  if (chargedCents != null) return chargedCents;
  if (isChargeable === false) return "0";
  throw vendorError("changed", `${vendor} changed its answer: usageEvents[].chargedCents: missing (${path})`);
}

/** The requests of people who left the team lose their e-mail. */
function whoseIs({ serviceAccountId, userEmail }: UsageEvent): BillLine["identity"] {
  if (serviceAccountId != null) return { kind: "service_account", value: serviceAccountId };
  if (userEmail != null && userEmail !== "") return { kind: "email", value: userEmail.trim().toLowerCase() };
  return { kind: "org", value: null };
}

function keyOf({ day, who, model, kind }: Pick<Sum, "day" | "who" | "model" | "kind">): string {
  return [day, who.value ?? "", model, kind].join("|");
}

function toLine(sum: Sum): Pulled {
  const { day, who, model, kind, charged, listed, events, input, output, cacheRead, cacheWrite } = sum;
  return billLine({
    feed,
    key: keyOf(sum),
    service: "cursor",
    identity: who,
    day,
    description: `${model}, ${kind}`,
    amount: required(stateAmount(charged, "USD", "hundredth"), vendor, path),
    listAmount: required(stateAmount(listed, "USD", "hundredth"), vendor, path),
    model,
    sku: kind,
    tokens: { input, output, cacheRead, cacheWrite },
    requests: events,
    record: sum,
  });
}
