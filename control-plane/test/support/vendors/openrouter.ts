import { startVendor, type Vendor } from "../vendor.ts";

/** What the local OpenRouter knows. Tests change it between pulls. */
export interface OpenRouterWorld {
  /** Null: the account is one person's. */
  members: readonly { readonly id: string; readonly email: string }[] | null;
  activity: readonly OpenRouterActivity[];
  pageSize: number;
}

export interface OpenRouterActivity {
  readonly date: string;
  /** Who caused it; null for a key without an owner. */
  readonly user: string | null;
  readonly usage: number;
  readonly model?: string;
}

export const openrouterKey = "sk-or-v1-planted0123456789abcdef";

export function emptyOpenRouter(): OpenRouterWorld {
  return { members: [], activity: [], pageSize: 100 };
}

export function startOpenRouter(world: OpenRouterWorld): Promise<Vendor> {
  return startVendor({
    contract: "openrouter",
    authorise: ({ headers }) =>
      headers.authorization === `Bearer ${openrouterKey}`
        ? null
        : { status: 401, body: { error: { code: 401, message: "Missing Authentication header" } } },
    routes: {
      "GET /api/v1/credits": () => ({ body: { data: { total_credits: 100, total_usage: 63.4 } } }),
      "GET /api/v1/organization/members": ({ query }) => {
        if (world.members === null)
          return { status: 404, body: { error: { code: 404, message: "not an organization" } } };
        const offset = Number(query.get("offset") ?? 0);
        const limit = Math.min(world.pageSize, Number(query.get("limit") ?? 50));
        const data = world.members
          .slice(offset, offset + limit)
          .map((member) => ({ ...member, first_name: "A", last_name: null, role: "org:member" }));
        return { body: { data, total_count: world.members.length } };
      },
      "GET /api/v1/activity": ({ query }) => {
        const user = query.get("user_id");
        const of = world.activity.filter(
          (each) => each.date === query.get("date") && (user === null || each.user === user),
        );
        const byModel = Map.groupBy(of, ({ model }) => model ?? "openai/gpt-5.4");
        return { body: { data: [...byModel].map(([model, rows]) => toItem(model, rows)) } };
      },
    },
  });
}

/** The vendor sums over whoever was asked for. */
function toItem(model: string, rows: readonly OpenRouterActivity[]) {
  return {
    date: rows[0]?.date,
    model,
    model_permaslug: `${model}-2026-01-01`,
    endpoint_id: "550e8400-e29b-41d4-a716-446655440000",
    provider_name: "OpenAI",
    usage: rows.reduce((sum, { usage }) => sum + usage, 0),
    byok_usage_inference: 0,
    requests: rows.length,
    prompt_tokens: rows.length * 100,
    completion_tokens: rows.length * 10,
    reasoning_tokens: 0,
    workspace_id: "0df9e665-d932-5740-b2c7-b52af166bc11",
  };
}
