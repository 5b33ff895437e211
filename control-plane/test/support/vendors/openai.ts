import { dateOf } from "@flowstate/shared/time";
import { pageOf, startVendor, type Vendor, type VendorCall, type VendorReply } from "../vendor.ts";

/** What the local OpenAI knows. Tests change it between pulls. */
export interface OpenaiWorld {
  users: readonly { id: string; name: string; email: string }[];
  /** Without keys where the project was archived. */
  projects: readonly { id: string; name: string; keys: readonly OpenaiKey[] | null }[];
  costs: (day: string) => readonly OpenaiCost[];
  completions: (day: string) => readonly object[];
  embeddings: (day: string) => readonly object[];
  /** Log files of the compliance platform, by the hour they end. */
  logs: readonly { id: string; endTime: string; lines: readonly object[] }[];
}

export interface OpenaiKey {
  readonly id: string;
  readonly name: string;
  /** E-mail of the owner; a service account owns it where there is none. */
  readonly owner: string | null;
}

export interface OpenaiCost {
  readonly value: number;
  readonly currency?: string;
  readonly item: string | null;
  readonly project: string | null;
  readonly key: string | null;
}

export const openaiAdminKey = "sk-admin-planted-Jf83hdKs92LmQp";
export const chatgptKey = "cgpt-planted-Zx81mNc7Qw";

export function emptyOpenai(): OpenaiWorld {
  const none = () => [];
  return { users: [], projects: [], costs: none, completions: none, embeddings: none, logs: [] };
}

export async function startOpenai(world: OpenaiWorld): Promise<Vendor> {
  const vendor: Vendor = await startVendor({
    contract: ["openai", "openai-chatgpt-costs"],
    authorise: ({ path, headers }) => {
      if (path.startsWith("/signed/")) {
        return headers.authorization === undefined
          ? null
          : refuse("a credential was sent to the file server");
      }
      const key = path.includes("/compliance/") ? chatgptKey : openaiAdminKey;
      const given = headers.authorization?.replace("Bearer ", "") ?? "";
      return given === key
        ? null
        : refuse(`Incorrect API key provided: ${given.slice(0, 8)}******${given.slice(-4)}.`);
    },
    routes: {
      "GET /v1/organization/users": (call) =>
        list(
          call,
          world.users.map((user) => ({ ...user, object: "organization.user", added_at: 1 })),
        ),
      "GET /v1/organization/projects": (call) =>
        list(
          call,
          world.projects.map(({ id, name }) => ({ id, name, object: "organization.project", created_at: 1 })),
        ),
      "GET /v1/organization/projects/*/api_keys": (call) => {
        const project = world.projects.find(({ id }) => call.path.includes(`/${id}/`));
        return project?.keys == null ? notFound : list(call, project.keys.map(toKey));
      },
      "GET /v1/organization/costs": (call) => buckets(call, (day) => world.costs(day).map(toCost)),
      "GET /v1/organization/usage/completions": (call) => buckets(call, world.completions),
      "GET /v1/organization/usage/embeddings": (call) => buckets(call, world.embeddings),
      "GET /v1/compliance/organizations/*/logs": ({ query }) => {
        const [after, before] = [query.get("after") ?? "", query.get("before") ?? ""];
        const files = world.logs.filter(({ endTime }) => endTime > after && endTime <= before);
        const page = files.slice(0, 2);
        const data = page.map(({ id, endTime }) => ({ id, event_type: "COSTS", end_time: endTime }));
        return { body: { data, has_more: files.length > 2, last_end_time: data.at(-1)?.end_time ?? null } };
      },
      "GET /v1/compliance/organizations/*/logs/*": ({ path }) => ({
        status: 307,
        headers: { location: `${vendor.url}/signed/${path.split("/").at(-1)}` },
      }),
      "GET /signed/*": ({ path }) => {
        const file = world.logs.find(({ id }) => path.endsWith(`/${id}`));
        return { body: (file?.lines ?? []).map((line) => `${JSON.stringify(line)}\n`).join("") };
      },
    },
  });
  return vendor;
}

const notFound: VendorReply = { status: 404, body: { error: { message: "no such project" } } };

function refuse(message: string): VendorReply {
  const error = { message, type: "invalid_request_error", param: null, code: "invalid_api_key" };
  return { status: 401, body: { error } };
}

function list({ query }: VendorCall, items: readonly { readonly id: string }[]): VendorReply {
  const after = query.get("after");
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
  const data = items.slice(start, start + Number(query.get("limit") ?? 20));
  const has_more = start + data.length < items.length;
  return {
    body: { object: "list", data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more },
  };
}

function buckets({ query }: VendorCall, results: (day: string) => readonly object[]): VendorReply {
  const start = Number(query.get("start_time"));
  const end = Number(query.get("end_time") ?? start + 86_400);
  const days = Array.from(
    { length: Math.ceil((end - start) / 86_400) },
    (_, index) => start + index * 86_400,
  );
  const all = days.map((time) => ({
    object: "bucket",
    start_time: time,
    end_time: time + 86_400,
    results: results(dateOf(time * 1000)),
  }));
  const { items: data, next } = pageOf(all, query.get("page"), Math.min(7, Number(query.get("limit") ?? 7)));
  return { body: { object: "page", data, has_more: next !== null, next_page: next } };
}

function toKey({ id, name, owner }: OpenaiKey) {
  const shared = { created_at: 1, role: "member" };
  return {
    object: "organization.project.api_key",
    redacted_value: "sk-...abcd",
    name,
    created_at: 1,
    last_used_at: null,
    id,
    owner_project_access: "active",
    owner:
      owner === null
        ? { type: "service_account", service_account: { id: `svc_${id}`, name, ...shared } }
        : { type: "user", user: { id: `user_${owner}`, email: owner, name: owner, ...shared } },
  };
}

function toCost({ value, currency = "usd", item, project, key }: OpenaiCost) {
  return {
    object: "organization.costs.result",
    amount: { value, currency },
    line_item: item,
    project_id: project,
    api_key_id: key,
    quantity: 1000,
    quantity_unit: "tokens",
  };
}
