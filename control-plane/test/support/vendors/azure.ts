import { startVendor, type Vendor, type VendorReply } from "../vendor.ts";

/** What the local Azure knows: its sign-in and its Cost Management. */
export interface AzureWorld {
  rows: readonly AzureRow[];
  pageSize: number;
  currency: string;
}

export interface AzureRow {
  readonly day: string;
  readonly service: string;
  readonly resource: string;
  readonly meter: string;
  readonly cost: number;
}

export const azureSecret = "planted~Azure.Secret-0123456789";
const token = "planted-azure-access-token";

export function emptyAzure(): AzureWorld {
  return { rows: [], pageSize: 1000, currency: "USD" };
}

interface Question {
  readonly timeframe: string;
  readonly timePeriod?: { readonly from: string; readonly to: string };
  readonly dataset: {
    readonly granularity: string;
    readonly grouping: readonly { readonly name: string }[];
    readonly filter?: { readonly dimensions: { readonly values: readonly string[] } };
  };
}

export async function startAzure(world: AzureWorld): Promise<Vendor> {
  let url = "";
  const vendor = await startVendor({
    contract: "azure-cost-management",
    authorise: ({ path, headers }) =>
      path.endsWith("/oauth2/v2.0/token") || headers.authorization === `Bearer ${token}`
        ? null
        : { status: 401, body: { error: { code: "InvalidAuthenticationToken", message: "no token" } } },
    routes: {
      "POST /tenant-1/oauth2/v2.0/token": ({ body }) => signIn(new URLSearchParams(body)),
      "POST /subscriptions/sub-1/providers/Microsoft.CostManagement/query": ({ body, query, path }) => {
        const question = JSON.parse(body) as Question;
        const rows = answerOf(world, question);
        if (rows.length === 0) return { status: 204 };
        const start = Number(query.get("$skiptoken") ?? 0);
        const end = start + world.pageSize;
        const next = `${url}${path}?api-version=2025-03-01&$skiptoken=${end}`;
        const isLast = end >= rows.length;
        // The order of columns is nobody's promise.
        const columns = Object.keys(rows[0] ?? {}).reverse();
        return {
          body: {
            id: "q",
            name: "q",
            type: "Microsoft.CostManagement/query",
            properties: {
              nextLink: isLast ? null : next,
              columns: columns.map((name) => ({ name, type: /Cost|Date/.test(name) ? "Number" : "String" })),
              rows: rows.slice(start, end).map((row) => columns.map((name) => row[name])),
            },
          },
        };
      },
    },
  });
  url = vendor.url;
  return vendor;
}

function signIn(form: URLSearchParams): VendorReply {
  const isGood = form.get("client_secret") === azureSecret && form.get("grant_type") === "client_credentials";
  if (!isGood) {
    const words = `AADSTS7000215: Invalid client secret provided: '${form.get("client_secret")}'`;
    return { status: 401, body: { error: "invalid_client", error_description: words } };
  }
  return { body: { token_type: "Bearer", expires_in: 3599, access_token: token } };
}

type Cells = Readonly<Record<string, string | number>>;

function answerOf(world: AzureWorld, { timeframe, timePeriod, dataset }: Question): readonly Cells[] {
  const within = world.rows.filter(
    ({ day }) =>
      timeframe !== "Custom" ||
      (day >= (timePeriod?.from.slice(0, 10) ?? "") && day <= (timePeriod?.to.slice(0, 10) ?? "")),
  );
  if (dataset.granularity === "None") {
    const services = [...new Set(within.map(({ service }) => service))];
    return services.map((ServiceName) => ({ Cost: 1, ServiceName, Currency: world.currency }));
  }
  const values = dataset.filter?.dimensions.values;
  return within
    .filter(({ service }) => values === undefined || values.includes(service))
    .map(({ day, resource, meter, cost }) => ({
      Cost: cost,
      UsageDate: Number(day.replaceAll("-", "")),
      ResourceId: resource,
      Meter: meter,
      Currency: world.currency,
    }));
}
