import { pageOf, startVendor, type Vendor } from "../vendor.ts";

/** A line of usage as the local fal.ai, Fireworks and Together AI know it. */
export interface GatewayUsage {
  readonly day: string;
  /** Who or what caused it: a user, a key, or nothing. */
  readonly cause: string | null;
  readonly cost: number;
  readonly product?: string;
}

export interface GatewayWorld {
  usage: readonly GatewayUsage[];
  pageSize: number;
  currency: string;
}

export const gatewayKeys = {
  fal: "planted-fal-id:planted-fal-secret-0123456789",
  fireworks: "fw_planted0123456789abcdef",
  together: "tgp_planted0123456789abcdef",
} as const;

export function emptyGateway(): GatewayWorld {
  return { usage: [], pageSize: 1000, currency: "USD" };
}

export function startFal(world: GatewayWorld): Promise<Vendor> {
  const refusal = {
    error: { type: "authorization_error", message: "Invalid key", docs_url: "d", request_id: "r" },
  };
  return startVendor({
    contract: "fal",
    authorise: ({ headers }) =>
      headers.authorization === `Key ${gatewayKeys.fal}` ? null : { status: 401, body: refusal },
    routes: {
      "GET /v1/account/billing": () => ({ body: { username: "acme" } }),
      "GET /v1/keys": () => ({
        body: { keys: [falKey("key_1", "ada@example.com")], next_cursor: null, has_more: false },
      }),
      "GET /v1/models/usage": ({ query }) => {
        const asked = world.usage.filter(
          ({ day }) => day >= (query.get("start") ?? "") && day < (query.get("end") ?? ""),
        );
        const { items, next } = pageOf(asked, query.get("cursor"), world.pageSize);
        const days = [...Map.groupBy(items, ({ day }) => day)];
        return {
          body: {
            time_series: days.map(([day, rows]) => ({
              bucket: `${day}T00:00:00+00:00`,
              results: rows.map((row) => falResult(row, world.currency)),
            })),
            next_cursor: next,
            has_more: next !== null,
          },
        };
      },
    },
  });
}

function falKey(id: string, email: string) {
  return {
    key_id: id,
    alias: "laptop",
    scope: "API",
    created_at: "2026-01-01T00:00:00Z",
    creator_nickname: "ada",
    creator_email: email,
  };
}

function falResult({ cause, cost, product = "fal-ai/flux/dev" }: GatewayUsage, currency: string) {
  return {
    endpoint_id: product,
    unit: "image",
    quantity: 2,
    unit_price: 0.025,
    percent_discount: null,
    cost_subtotal: cost * 2,
    cost_discount: cost,
    cost_total: cost,
    cost,
    currency,
    auth_method_structured: { detail: cause ?? "None", ...(cause === null ? {} : { api_key_id: cause }) },
  };
}

export function startFireworks(world: GatewayWorld): Promise<Vendor> {
  return startVendor({
    contract: "fireworks",
    authorise: ({ headers }) =>
      headers.authorization === `Bearer ${gatewayKeys.fireworks}`
        ? null
        : { status: 401, body: { code: 16, message: "invalid API key" } },
    routes: {
      "GET /v1/accounts": () => ({ body: { accounts: [{ name: "accounts/acme" }] } }),
      "GET /v1/accounts/acme/users": () => ({
        body: { users: [{ name: "accounts/acme/users/ada", email: "ada@example.com" }], nextPageToken: "" },
      }),
      "POST /v1/accounts/acme/usageCosts:query": ({ body }) => {
        const { startTime, endTime, pageToken } = JSON.parse(body) as Record<string, string>;
        const asked = world.usage.filter(({ day }) => {
          const start = `${day}T00:00:00Z`;
          return start >= String(startTime) && start < String(endTime);
        });
        const { items, next } = pageOf(asked, pageToken ?? null, world.pageSize);
        const rows = items.map(({ day, cause, cost }) => ({
          dimensions: { startTime: `${day}T00:00:00Z`, ...(cause === null ? {} : { userId: cause }) },
          subtotal: money(cost, world.currency),
        }));
        return { body: { rows, nextPageToken: next ?? "" } };
      },
    },
  });
}

/** google.type.Money: whole units as text, billionths beside them; a part that is zero is left out. */
function money(cost: number, currencyCode: string) {
  const units = Math.trunc(cost);
  const nanos = Math.round((cost - units) * 1e9);
  return {
    currencyCode,
    ...(units === 0 ? {} : { units: String(units) }),
    ...(nanos === 0 ? {} : { nanos }),
  };
}

export function startTogether(world: GatewayWorld): Promise<Vendor> {
  return startVendor({
    contract: "together",
    authorise: ({ headers }) =>
      headers.authorization === `Bearer ${gatewayKeys.together}`
        ? null
        : { status: 401, body: { error: { message: "Invalid API key provided" } } },
    routes: {
      "GET /v1/billing/usage": ({ query }) => {
        const month = query.get("month") ?? "";
        const asked = world.usage.filter(({ day }) => day.startsWith(month));
        const size = Math.min(world.pageSize, Number(query.get("limit") ?? 100));
        const { items, next } = pageOf(asked, query.get("after"), size);
        const days = [...Map.groupBy(items, ({ day }) => day)];
        return {
          body: {
            object: "list",
            organization_id: "org_1",
            billing_period: month,
            currency: world.currency,
            data: days.map(([day, rows]) => ({
              date: day,
              start_time: `${day}T00:00:00Z`,
              end_time: `${day}T23:59:59Z`,
              line_items: rows.map(togetherItem),
            })),
            next_cursor: next,
          },
        };
      },
    },
  });
}

function togetherItem({ cause, cost, product = "Serverless Inference - Input Tokens" }: GatewayUsage) {
  return {
    product_name: product,
    quantity: "1200000",
    unit_price: "0.00000018",
    cost: cost.toFixed(9),
    pricing_dimensions: { token_type: "input" },
    attributes: cause === null ? {} : { api_key_id: cause, project_id: "proj_1" },
  };
}
