import { z } from "zod";
import { isFlowstateError } from "@flowstate/shared/errors";
import {
  addMonths,
  dateOf,
  hourMs,
  parseUsageDate,
  periodOf,
  periodOfDate,
  type Period,
} from "@flowstate/shared/time";
import { stateAmount } from "../amount.ts";
import {
  billLine,
  type BillLine,
  type ConnectContext,
  type Connection,
  type Connector,
  type DayWindow,
  type Pulled,
} from "../connector.ts";
import { field, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import { credential, credentialField, optionalCredential } from "../form.ts";
import type { VendorHttp } from "../http.ts";
import { kindLabels } from "../kinds.ts";
import { readPages } from "../pages.ts";

const vendor = "Together AI";
const path = "/v1/billing/usage";
const feed = "usage";

/** Together AI's billing usage by day, product and key (docs.together.ai, beta). */
export const together: Connector = {
  kind: "TOGETHER",
  label: kindLabels.TOGETHER,
  fields: [
    credentialField({
      name: "apiKey",
      label: "API key",
      hint: "an API key of the organisation from api.together.ai/settings/api-keys",
      pattern: "[\\w-]{8,300}",
    }),
    credentialField({
      name: "organizationId",
      label: "organisation id",
      secret: false,
      required: false,
      hint: "needed where the key belongs to several organisations",
      pattern: "[\\w-]{1,100}",
    }),
  ],
  schedule: { everyMs: 6 * hourMs, rereadDays: 3, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "directory",
    notes: [
      "The billing API is a beta that Together switches on by organisation; without it, import the invoice.",
      "Rows name a key, and no directory says whose it is: map keys to people once.",
    ],
  },
  connect,
};

interface Account {
  readonly http: VendorHttp;
  readonly organizationId: string | null;
}

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const key = credential(credentials, "apiKey");
  const http = open({
    vendor,
    address: "https://api.together.ai",
    headers: { authorization: `Bearer ${key.reveal()}` },
    secrets: [key],
    perMinute: 30,
  });
  const organizationId = optionalCredential(credentials, "organizationId")?.reveal() ?? null;
  const account = { http, organizationId };
  return {
    async probe(signal) {
      const { organization_id } = await readPage(account, periodOf(clock.now()), null, 1, signal);
      return { account: organization_id };
    },
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      for (const month of monthsOf(window, dateOf(clock.now())))
        yield* pullMonth(account, month, window, signal);
      yield { type: "covered", feed };
    },
  };
}

const report = z.object({
  organization_id: field.text,
  currency: field.text,
  data: z.array(
    z.object({
      date: field.text,
      line_items: z.array(
        z.object({
          product_name: field.text,
          quantity: field.decimal,
          cost: field.decimal,
          pricing_dimensions: z.record(z.string(), field.text),
          attributes: z.record(z.string(), field.text),
        }),
      ),
    }),
  ),
  next_cursor: field.text.nullish(),
});

async function* pullMonth(
  account: Account,
  month: Period,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const pages = readPages(vendor, async (after: string | null) => {
    const { data, currency, next_cursor } = await readPage(account, month, after, 1000, signal);
    const items = data.flatMap(({ date, line_items }) =>
      line_items.map((item) => ({ date, currency, item })),
    );
    return { items, next: next_cursor ?? null };
  });
  for await (const { date, currency, item } of pages) {
    const day = required(parseUsageDate(date.slice(0, 10)), vendor, path);
    if (day < window.from || day > window.until) continue;
    const { product_name: product, pricing_dimensions: dimensions, attributes } = item;
    yield billLine({
      feed,
      // The product's name is display text; what it was priced by and for whom tells two lines of a day apart.
      key: [day, product, ...textsOf(dimensions), ...textsOf(attributes)].join("|"),
      service: "together",
      account: attributes["project_id"] ?? null,
      identity: whoseIs(attributes),
      day,
      description: product,
      amount: required(stateAmount(item.cost, currency), vendor, path),
      model: dimensions["model"] ?? attributes["model"] ?? null,
      sku: dimensions["token_type"] ?? product,
      quantity: { value: item.quantity, unit: "units" },
      record: item,
    });
  }
}

async function readPage(
  { http, organizationId }: Account,
  month: Period,
  after: string | null,
  limit: number,
  signal: AbortSignal,
): Promise<z.output<typeof report>> {
  const query = { month, organization_id: organizationId, granularity: "day", limit, after };
  try {
    return await http.json({ path, query, schema: report }, signal);
  } catch (error) {
    if (!isFlowstateError(error) || error.details["failure"] !== "missing") throw error;
    throw vendorError(
      "missing",
      `${error.message}; the billing API is switched on by organisation: ask Together for it, or import the invoice`,
      { status: 404, cause: error },
    );
  }
}

/** Months of the window up to today; the vendor refuses months to come. */
function monthsOf({ from, until }: DayWindow, today: BillLine["day"]): readonly Period[] {
  const months: Period[] = [];
  const last = periodOfDate(until < today ? until : today);
  for (let month = periodOfDate(from); month <= last; month = addMonths(month, 1)) months.push(month);
  return months;
}

function whoseIs(attributes: Readonly<Record<string, string>>): BillLine["identity"] {
  const key = attributes["api_key_id"] ?? null;
  if (key !== null) return { kind: "api_key", value: key };
  const project = attributes["project_id"] ?? null;
  return project === null ? { kind: "org", value: null } : { kind: "project", value: project };
}

function textsOf(fields: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .sort((a, b) => (a < b ? -1 : 1));
}
