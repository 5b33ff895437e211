import { z } from "zod";
import { addDays, hourMs, parseUsageDate } from "@flowstate/shared/time";
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
import { credential, credentialField } from "../form.ts";
import type { VendorHttp } from "../http.ts";
import { kindLabels } from "../kinds.ts";
import { nextCursor, readPages } from "../pages.ts";

const vendor = "fal.ai";

/** fal.ai's usage by day, endpoint and key (fal Platform APIs v1, admin keys). */
export const fal: Connector = {
  kind: "FAL",
  label: kindLabels.FAL,
  fields: [
    credentialField({
      name: "adminKey",
      label: "admin key",
      hint: "a key of ADMIN scope from fal.ai/dashboard/keys",
      pattern: "[\\w:-]{8,300}",
    }),
  ],
  schedule: { everyMs: 3 * hourMs, rereadDays: 3, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "directory",
    notes: [
      "Each row names a key or a login; the key's creator is the person.",
      "Serverless apps of your own are billed apart and not read yet; import their invoice.",
    ],
  },
  connect,
};

function connect({ credentials, open }: ConnectContext): Connection {
  const key = credential(credentials, "adminKey");
  const http = open({
    vendor,
    address: "https://api.fal.ai/v1",
    headers: { authorization: `Key ${key.reveal()}` },
    secrets: [key],
    perMinute: 60,
  });
  return {
    async probe(signal) {
      const schema = z.object({ username: field.text });
      return { account: (await http.json({ path: "/account/billing", schema }, signal)).username };
    },
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      yield* readKeys(http, signal);
      yield* pullUsage(http, window, signal);
    },
  };
}

const keyPage = z.object({
  keys: z.array(
    z.object({
      key_id: field.text,
      alias: field.text.nullish(),
      creator_nickname: field.text.nullish(),
      creator_email: field.text.nullish(),
    }),
  ),
  has_more: z.boolean(),
  next_cursor: field.text.nullish(),
});

async function* readKeys(http: VendorHttp, signal: AbortSignal): AsyncGenerator<Pulled> {
  const pages = readPages(vendor, async (cursor: string | null) => {
    const query = { expand: "creator_info", limit: 100, cursor };
    const { keys, has_more, next_cursor } = await http.json(
      { path: "/keys", query, schema: keyPage },
      signal,
    );
    return { items: keys, next: nextCursor(vendor, "next_cursor", has_more, next_cursor) };
  });
  for await (const { key_id, alias, creator_nickname: login, creator_email: email } of pages) {
    yield identity("api_key", key_id, email ?? null, alias ?? null);
    if (login != null) yield identity("login", login, email ?? null, login);
  }
}

function identity(
  kind: "api_key" | "login",
  value: string,
  email: string | null,
  label: string | null,
): Pulled {
  return { type: "identity", identity: { provider: "fal", kind, value, email, label } };
}

const path = "/models/usage";
const feed = "usage";

const result = z.object({
  endpoint_id: field.text,
  unit: field.text,
  quantity: field.decimal,
  unit_price: field.decimal,
  percent_discount: field.decimal.nullish(),
  cost_subtotal: field.decimal,
  cost_total: field.decimal,
  currency: field.text,
  auth_method_structured: z
    .object({ detail: field.text, api_key_id: field.text.nullish(), login_username: field.text.nullish() })
    .nullish(),
});

const usagePage = z.object({
  time_series: z.array(z.object({ bucket: field.text, results: z.array(result) })),
  has_more: z.boolean(),
  next_cursor: field.text.nullish(),
});

async function* pullUsage(http: VendorHttp, window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
  const query = {
    start: window.from,
    end: addDays(window.until, 1),
    timezone: "UTC",
    timeframe: "day",
    expand: ["time_series", "auth_method_structured"],
    limit: 100,
  };
  const pages = readPages(vendor, async (cursor: string | null) => {
    const { time_series, has_more, next_cursor } = await http.json(
      { path, query: { ...query, cursor }, schema: usagePage },
      signal,
    );
    return { items: time_series, next: nextCursor(vendor, "next_cursor", has_more, next_cursor) };
  });
  for await (const { bucket, results } of pages) {
    const day = required(parseUsageDate(bucket.slice(0, 10)), vendor, path);
    if (day < window.from || day > window.until) continue;
    for (const row of results) {
      const whose = whoseIs(row.auth_method_structured ?? null);
      const parts = [day, row.endpoint_id, row.unit, row.unit_price, row.percent_discount ?? "", whose.value];
      yield billLine({
        feed,
        key: [...parts, row.auth_method_structured?.detail ?? ""].join("|"),
        service: "fal",
        identity: whose,
        day,
        description: `${row.endpoint_id}, ${row.unit}`,
        amount: required(stateAmount(row.cost_total, row.currency), vendor, path),
        listAmount: required(stateAmount(row.cost_subtotal, row.currency), vendor, path),
        model: row.endpoint_id,
        sku: row.unit,
        quantity: { value: row.quantity, unit: row.unit },
        record: row,
      });
    }
  }
  yield { type: "covered", feed };
}

function whoseIs(auth: z.output<typeof result>["auth_method_structured"]): BillLine["identity"] {
  if (auth?.login_username != null) return { kind: "login", value: auth.login_username };
  if (auth?.api_key_id != null) return { kind: "api_key", value: auth.api_key_id };
  return { kind: "org", value: null };
}
