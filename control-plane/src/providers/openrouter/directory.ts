import { z } from "zod";
import type { Pulled } from "../connector.ts";
import { field, readAnswer } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readPages } from "../pages.ts";

const vendor = "OpenRouter";
const pageSize = 100;

const memberList = z.object({
  data: z.array(
    z.object({
      id: field.text,
      email: field.text,
      first_name: field.text.nullish(),
      last_name: field.text.nullish(),
    }),
  ),
  total_count: field.count,
});

export interface Directory {
  /** Ids of the members; none where the account is one person's. */
  readonly members: readonly string[];
  readonly identities: readonly Pulled[];
}

/** The members of the organisation. An account that is no organisation has none, which is no failure. */
export async function readDirectory(http: VendorHttp, signal: AbortSignal): Promise<Directory> {
  const path = "/organization/members";
  const pages = readPages(vendor, async (offset: number | null) => {
    const start = offset ?? 0;
    const query = { limit: pageSize, offset: start };
    const { status, text } = await http.send({ path, query, expect: [200, 404] }, signal);
    if (status === 404) return { items: [], next: null };
    const { data, total_count } = readAnswer(text, memberList, vendor, path);
    const end = start + data.length;
    return { items: data, next: data.length > 0 && BigInt(end) < total_count ? end : null };
  });
  const members = await Array.fromAsync(pages);
  const identities = members.map(({ id, email, first_name, last_name }): Pulled => {
    const name = [first_name, last_name].filter((part) => part != null && part !== "").join(" ");
    const label = name === "" ? email : name;
    return {
      type: "identity",
      identity: { provider: "openrouter", kind: "vendor_user", value: id, email, label },
    };
  });
  return { members: members.map(({ id }) => id), identities };
}
