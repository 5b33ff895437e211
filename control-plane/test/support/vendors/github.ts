import { startVendor, type Vendor, type VendorCall, type VendorReply } from "../vendor.ts";

/** What the local GitHub knows. Tests change it between pulls. */
export interface GithubWorld {
  seats: readonly GithubSeat[];
  usage: readonly GithubUsage[];
  fees: readonly GithubFee[];
  /** Interactions by `day login`. */
  metrics: Readonly<Record<string, number>>;
  /** Whether the token may read the organisation's billing. */
  showsBilling: boolean;
  /** Whether an enterprise owns the organisation: GitHub then names no person beside an amount. */
  enterpriseOwned: boolean;
}

export interface GithubSeat {
  readonly login: string;
  readonly email?: string;
  readonly lastActivityAt?: string | null;
}

export interface GithubUsage {
  readonly day: string;
  readonly login: string;
  readonly model?: string;
  readonly gross: number;
  readonly net: number;
}

export interface GithubFee {
  readonly date: string;
  readonly sku: string;
  readonly quantity: number;
  readonly net: number;
  readonly product?: string;
}

export const githubToken = "ghp_planted0123456789abcdef";

export function emptyGithub(): GithubWorld {
  return { seats: [], usage: [], fees: [], metrics: {}, showsBilling: true, enterpriseOwned: false };
}

export async function startGithub(world: GithubWorld): Promise<Vendor> {
  let url = "";
  let order: (Readonly<Record<string, unknown>> & { readonly polls?: number }) | null = null;
  const billing = (answer: (call: VendorCall) => VendorReply) => (call: VendorCall) =>
    world.showsBilling
      ? answer(call)
      : { status: 403, body: error("Resource not accessible by personal access token") };
  const vendor = await startVendor({
    contract: ["github", "github-enterprise"],
    authorise: ({ headers }) =>
      headers.authorization === `Bearer ${githubToken}` || headers.authorization === undefined
        ? null
        : { status: 401, body: { message: "Bad credentials", status: "401" } },
    routes: {
      "GET /orgs/acme/copilot/billing": () => ({ body: breakdown(world) }),
      "GET /orgs/acme/copilot/billing/seats": ({ query }) => {
        const [page, size] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 50)];
        const seats = world.seats.slice((page - 1) * size, page * size).map(toSeat);
        return { body: { total_seats: world.seats.length, seats } };
      },
      "GET /organizations/acme/settings/billing/ai_credit/usage": billing(({ query }) => {
        const user = query.get("user");
        if (user !== null && world.enterpriseOwned) {
          const words = "Organization admins for enterprise owned organizations cannot filter usage by user";
          return { status: 403, body: error(words) };
        }
        const parts = ["year", "month", "day"].map((name) => (query.get(name) ?? "").padStart(2, "0"));
        const of = world.usage.filter(
          ({ day, login }) => day === parts.join("-") && (user ?? login) === login,
        );
        const byModel = Map.groupBy(of, ({ model }) => model ?? "Claude Sonnet 5");
        const [year, month, day] = parts.map(Number);
        const usageItems = [...byModel].map(([model, rows]) => toItem(model, rows));
        return { body: { timePeriod: { year, month, day }, organization: "acme", usageItems } };
      }),
      "GET /organizations/acme/settings/billing/premium_request/usage": billing(({ query }) => ({
        body: { timePeriod: { year: Number(query.get("year")) }, organization: "acme", usageItems: [] },
      })),
      "GET /organizations/acme/settings/billing/usage": billing(({ query }) => {
        const month = `${query.get("year")}-${(query.get("month") ?? "").padStart(2, "0")}`;
        return { body: { usageItems: world.fees.filter(({ date }) => date.startsWith(month)).map(toFee) } };
      }),
      "GET /orgs/acme/copilot/metrics/reports/users-1-day": ({ query }) => {
        const day = query.get("day") ?? "";
        const isThere = Object.keys(world.metrics).some((key) => key.startsWith(day));
        if (!isThere) return { status: 204 };
        return { body: { download_links: [`${url}/reports/${day}`], report_day: day } };
      },
      "POST /enterprises/acme-inc/settings/billing/reports": ({ body }) => {
        const { report_type, start_date, end_date } = JSON.parse(body) as Record<string, string>;
        order = { id: reportId, report_type, start_date, end_date, polls: 0 };
        return { status: 202, body: { ...order, status: "processing" } };
      },
      [`GET /enterprises/acme-inc/settings/billing/reports/${reportId}`]: () => {
        const polls = (order?.polls ?? 0) + 1;
        order = { ...order, polls };
        const isDone = polls > 1;
        const files = isDone ? { download_urls: [`${url}/usage.csv`] } : {};
        return { body: { ...order, status: isDone ? "completed" : "processing", ...files } };
      },
      "GET /usage.csv": () => ({
        body: order?.["report_type"] === "ai_credit" ? toCsv(world.usage) : `${csvHeader}\n`,
      }),
      "GET /reports/*": ({ path }) => {
        const day = path.split("/").at(-1) ?? "";
        const lines = Object.entries(world.metrics).flatMap(([key, count]) =>
          key.startsWith(day)
            ? JSON.stringify({ user_login: key.slice(11), day, user_initiated_interaction_count: count })
            : [],
        );
        return { body: `${lines.join("\n")}\n` };
      },
    },
  });
  url = vendor.url;
  return vendor;
}

const reportId = "1f0c9a52-8a0e-4f6e-9a39-0d6f0c5f7b11";
const csvHeader =
  "date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,net_amount,organization,cost_center_name";

function toCsv(usage: readonly GithubUsage[]): string {
  const lines = usage.map(({ day, login, model = "Claude Sonnet 5", gross, net }) =>
    [
      day,
      login,
      "copilot",
      "Copilot AI Credits",
      model,
      gross * 100,
      "credits",
      0.01,
      gross,
      gross - net,
      net,
      "acme",
      '"R&D, core"',
    ].join(","),
  );
  return [csvHeader, ...lines, ""].join("\r\n");
}

function error(message: string) {
  return { message, documentation_url: "https://docs.github.com/rest" };
}

function breakdown({ seats }: GithubWorld) {
  return {
    seat_breakdown: { total: seats.length },
    public_code_suggestions: "block",
    seat_management_setting: "assign_selected",
    plan_type: "business",
  };
}

function toSeat({ login, email, lastActivityAt = "2026-11-19T10:00:00Z" }: GithubSeat) {
  const address = "https://api.github.com/users/x";
  const links = ["avatar", "followers", "html", "organizations", "received_events", "repos", "subscriptions"];
  const templates = ["events", "following", "gists", "starred"];
  return {
    assignee: {
      login,
      ...(email === undefined ? {} : { email }),
      id: 1,
      node_id: "x",
      gravatar_id: null,
      url: address,
      type: "User",
      site_admin: false,
      ...Object.fromEntries([...links, ...templates].map((name) => [`${name}_url`, address])),
    },
    plan_type: "business",
    created_at: "2026-01-01T00:00:00Z",
    last_activity_at: lastActivityAt,
  };
}

function toItem(model: string, rows: readonly GithubUsage[]) {
  const [gross, net] = [sum(rows, "gross"), sum(rows, "net")];
  return {
    product: "Copilot",
    sku: "Copilot AI Credits",
    model,
    unitType: "credits",
    pricePerUnit: 0.01,
    grossQuantity: gross * 100,
    grossAmount: gross,
    discountQuantity: (gross - net) * 100,
    discountAmount: gross - net,
    netQuantity: net * 100,
    netAmount: net,
  };
}

function sum(rows: readonly GithubUsage[], of: "gross" | "net"): number {
  return rows.reduce((total, row) => total + row[of], 0);
}

function toFee({ date, sku, quantity, net, product = "Copilot" }: GithubFee) {
  return {
    date,
    product,
    sku,
    quantity,
    unitType: "UserMonths",
    pricePerUnit: 19,
    grossAmount: net,
    discountAmount: 0,
    netAmount: net,
    organizationName: "acme",
  };
}
