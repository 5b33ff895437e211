import { addDays, type UsageDate } from "@flowstate/shared/time";
import { pageOf, startVendor, type Vendor, type VendorCall, type VendorReply } from "../vendor.ts";

/** What the local Anthropic knows. Tests change it between pulls. */
export interface AnthropicWorld {
  users: readonly { id: string; email: string; name: string }[];
  keys: readonly AnthropicKey[];
  workspaces: readonly { id: string; name: string }[];
  costs: (day: string) => readonly AnthropicCost[];
  usage: (day: string) => readonly AnthropicUsage[];
  claudeCode: (day: string) => readonly object[];
  people: (day: string) => readonly object[];
  /** How often the analytics are refreshed under a reader's cursor. */
  refreshes: number;
}

export interface AnthropicKey {
  readonly id: string;
  readonly name: string;
  readonly createdBy: string;
  readonly principal?: { readonly id: string; readonly type: "user" | "service_account" };
}

export interface AnthropicCost {
  /** Cents. */
  readonly amount: string;
  readonly description: string;
  readonly workspace: string | null;
  readonly model?: string | null;
  readonly currency?: string;
}

export interface AnthropicUsage {
  readonly workspace: string | null;
  readonly key: string | null;
  readonly account?: string | null;
  readonly model: string;
  readonly input: number;
  readonly output: number;
}

export const anthropicAdminKey = "sk-ant-admin01-planted-Qx7Lm2Vw9Tz4";
export const anthropicAnalyticsKey = "sk-ant-api01-planted-Rk3Nb8Yc5Hd1";

export function emptyAnthropic(): AnthropicWorld {
  const none = () => [];
  return {
    users: [],
    keys: [],
    workspaces: [],
    costs: none,
    usage: none,
    claudeCode: none,
    people: none,
    refreshes: 0,
  };
}

export function startAnthropic(world: AnthropicWorld): Promise<Vendor> {
  return startVendor({
    contract: "anthropic",
    authorise: ({ path, headers }) => {
      const key = path.includes("/analytics/") ? anthropicAnalyticsKey : anthropicAdminKey;
      if (headers["x-api-key"] === key) return null;
      return refuse(401, "authentication_error", `invalid x-api-key: ${String(headers["x-api-key"])}`);
    },
    routes: {
      "GET /v1/organizations/me": () => ({
        body: { id: "0f1c9a7e-1111-4222-8333-444455556666", type: "organization", name: "Acme" },
      }),
      "GET /v1/organizations/users": (call) =>
        list(
          call,
          world.users.map((user) => ({ ...user, type: "user", role: "developer", added_at: instant })),
        ),
      "GET /v1/organizations/api_keys": (call) => list(call, world.keys.map(toKey)),
      "GET /v1/organizations/workspaces": (call) =>
        list(
          call,
          world.workspaces.map((each) => ({
            ...each,
            type: "workspace",
            created_at: instant,
            archived_at: null,
          })),
        ),
      "GET /v1/organizations/cost_report": (call) => buckets(call, (day) => world.costs(day).map(toCost)),
      "GET /v1/organizations/usage_report/messages": (call) =>
        buckets(call, (day) => world.usage(day).map(toUsage)),
      "GET /v1/organizations/usage_report/claude_code": ({ query }) =>
        page(world.claudeCode(query.get("starting_at") ?? ""), query),
      "GET /v1/organizations/analytics/user_cost_report": ({ query }) => {
        if (world.refreshes-- > 0) return refuse(410, "invalid_request_error", "the data was refreshed");
        const reply = page(
          daysOf(query).flatMap((day) => world.people(day)),
          query,
        );
        return { body: { ...(reply.body as object), organization_id: "org", data_refreshed_at: instant } };
      },
    },
  });
}

const instant = "2026-10-01T00:00:00Z";

function refuse(status: number, type: string, message: string): VendorReply {
  return { status, body: { type: "error", error: { type, message }, request_id: "req_1" } };
}

function list({ query }: VendorCall, items: readonly { readonly id: string }[]): VendorReply {
  const after = query.get("after_id");
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  const data = items.slice(start, start + Number(query.get("limit") ?? 20));
  const last = data.at(-1)?.id ?? null;
  return {
    body: {
      data,
      first_id: data[0]?.id ?? null,
      last_id: last,
      has_more: start + data.length < items.length,
    },
  };
}

function buckets({ query }: VendorCall, results: (day: string) => readonly object[]): VendorReply {
  const days = daysOf(query).map((day) => ({
    starting_at: `${day}T00:00:00Z`,
    ending_at: `${addDays(day, 1)}T00:00:00Z`,
    results: results(day),
  }));
  // The real one pages by buckets; smaller pages make even a short window have several.
  return page(days, query, 7);
}

function page(items: readonly object[], query: URLSearchParams, most = 1000): VendorReply {
  const limit = Math.min(most, Number(query.get("limit") ?? 7));
  const { items: data, next } = pageOf(items, query.get("page"), limit);
  return { body: { data, has_more: next !== null, next_page: next } };
}

function daysOf(query: URLSearchParams): readonly UsageDate[] {
  const days: UsageDate[] = [];
  const end = (query.get("ending_at") ?? "").slice(0, 10);
  for (
    let day = (query.get("starting_at") ?? "").slice(0, 10) as UsageDate;
    day < end;
    day = addDays(day, 1)
  ) {
    days.push(day);
  }
  return days;
}

function toKey({ id, name, createdBy, principal }: AnthropicKey) {
  return {
    id,
    type: "api_key",
    name,
    partial_key_hint: "sk-ant-api03-R2D...igAA",
    status: "active",
    workspace_id: null,
    created_at: instant,
    created_by: { id: createdBy, type: "user" },
    ...(principal === undefined ? {} : { principal }),
  };
}

function toCost({
  amount,
  description,
  workspace,
  model = "claude-sonnet-5",
  currency = "USD",
}: AnthropicCost) {
  return {
    amount,
    currency,
    cost_type: "tokens",
    description,
    model,
    token_type: "output_tokens",
    service_tier: "standard",
    context_window: "0-200k",
    inference_geo: "global",
    workspace_id: workspace,
  };
}

function toUsage({ workspace, key, account = null, model, input, output }: AnthropicUsage) {
  return {
    uncached_input_tokens: input,
    cache_read_input_tokens: 10,
    cache_creation: { ephemeral_1h_input_tokens: 2, ephemeral_5m_input_tokens: 3 },
    output_tokens: output,
    server_tool_use: { web_search_requests: 0 },
    account_id: account,
    api_key_id: key,
    workspace_id: workspace,
    service_account_id: null,
    model,
    service_tier: "standard",
    context_window: "0-200k",
    inference_geo: "global",
  };
}
