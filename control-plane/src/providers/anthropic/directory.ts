import { z } from "zod";
import type { Pulled, VendorIdentity } from "../connector.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { nextCursor, readPages } from "../pages.ts";
import { vendor } from "./reports.ts";

const user = z.object({ id: field.text, email: field.text, name: field.text.nullish() });
const owner = z.object({ id: field.text, type: field.text.nullish() }).nullish();
const apiKey = z.object({ id: field.text, name: field.text.nullish(), created_by: owner, principal: owner });
const workspace = z.object({ id: field.text, name: field.text.nullish() });

/** People, then keys with the person behind each, then the names of workspaces. */
export async function* readDirectory(http: VendorHttp, signal: AbortSignal): AsyncGenerator<Pulled> {
  const emails = new Map<string, string>();
  for await (const { id, email, name } of list(http, "/v1/organizations/users", user, signal)) {
    emails.set(id, email);
    yield identity({ kind: "vendor_user", value: id, email, label: name ?? email });
  }
  for await (const key of list(http, "/v1/organizations/api_keys", apiKey, signal)) {
    yield identity({ kind: "api_key", value: key.id, email: emailOf(key, emails), label: key.name ?? null });
  }
  for await (const { id, name } of list(http, "/v1/organizations/workspaces", workspace, signal)) {
    yield identity({ kind: "workspace", value: id, email: null, label: name ?? null });
  }
}

/** The key acts for its principal; the one who made it stands in only where the vendor names no principal. */
function emailOf(
  { principal, created_by: creator }: z.output<typeof apiKey>,
  emails: ReadonlyMap<string, string>,
): string | null {
  if (principal?.type === "service_account") return null;
  const id = principal?.id ?? creator?.id;
  return id === undefined ? null : (emails.get(id) ?? null);
}

function identity(given: Omit<VendorIdentity, "provider">): Pulled {
  return { type: "identity", identity: { provider: "anthropic", ...given } };
}

function list<Schema extends z.ZodType>(
  http: VendorHttp,
  path: string,
  item: Schema,
  signal: AbortSignal,
): AsyncGenerator<z.output<Schema>> {
  const schema = z.object({ data: z.array(item), has_more: z.boolean(), last_id: field.text.nullish() });
  return readPages(vendor, async (after_id: string | null) => {
    const { data, has_more, last_id } = await http.json(
      { path, query: { limit: 1000, after_id }, schema },
      signal,
    );
    return { items: data, next: nextCursor(vendor, "last_id", has_more, last_id) };
  });
}
