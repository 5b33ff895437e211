import { z } from "zod";
import { parseUsageDate, type UsageDate } from "@flowstate/shared/time";
import { stateAmount, subtractDecimals } from "../amount.ts";
import { billLine, type DayWindow, type Pulled } from "../connector.ts";
import { daysOf } from "../days.ts";
import { field, required } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";

const vendor = "OpenRouter";
const path = "/activity";
const feed = "activity";

const item = z.object({
  /** A day; some answers carry a time behind it. */
  date: field.text,
  model: field.text,
  model_permaslug: field.text,
  endpoint_id: field.text,
  provider_name: field.text,
  /** US dollars of credits spent. */
  usage: field.decimal,
  requests: field.count,
  prompt_tokens: field.count,
  completion_tokens: field.count,
  workspace_id: field.text.nullish(),
});
type Item = z.output<typeof item>;

export interface ActivityRange {
  readonly members: readonly string[];
  readonly window: DayWindow;
  /** First and last day that the vendor still and already tells of. */
  readonly from: UsageDate;
  readonly until: UsageDate;
}

/**
 * What each day cost by person. The vendor's rows name nobody, so each member is asked for; what a day's total holds
 * beyond them, such as keys without an owner, stays with the organisation and nothing is lost.
 */
export async function* pullActivity(
  http: VendorHttp,
  { members, window, from, until }: ActivityRange,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (const day of daysOf(window)) {
    if (day < from || day > until) continue;
    const total = await readDay(http, day, null, signal);
    const shares: { readonly user: string; readonly rows: readonly Item[] }[] = [];
    if (total.length > 0) {
      for (const user of members) shares.push({ user, rows: await readDay(http, day, user, signal) });
    }
    for (const { user, rows } of shares) for (const row of rows) yield toLine(row, day, user);
    for (const row of total) {
      const named = shares.flatMap(({ rows }) => rows.filter((share) => cellOf(share) === cellOf(row)));
      const rest = restOf(row, named);
      if (rest !== null) yield toLine(rest, day, null);
    }
  }
  // Of days before its memory the vendor says nothing, which must not read as "nothing was used".
  if (window.from >= from) yield { type: "covered", feed };
}

async function readDay(
  http: VendorHttp,
  day: UsageDate,
  user: string | null,
  signal: AbortSignal,
): Promise<readonly Item[]> {
  const query = { date: day, group_by: "workspace", user_id: user };
  const { data } = await http.json({ path, query, schema: z.object({ data: z.array(item) }) }, signal);
  for (const { date } of data) required(parseUsageDate(date.slice(0, 10)), vendor, path);
  return data.filter(({ date }) => date.startsWith(day));
}

function cellOf({ model_permaslug, endpoint_id, workspace_id }: Item): string {
  return [workspace_id ?? "", model_permaslug, endpoint_id].join("|");
}

/** The part of a day's row that no member has caused; null where there is none. */
function restOf(row: Item, named: readonly Item[]): Item | null {
  const usage = subtractDecimals(row.usage, ...named.map((share) => share.usage));
  const left = (of: "requests" | "prompt_tokens" | "completion_tokens"): bigint => {
    const rest = named.reduce((sum, share) => sum - share[of], row[of]);
    return rest < 0n ? 0n : rest;
  };
  const rest = {
    ...row,
    usage,
    requests: left("requests"),
    prompt_tokens: left("prompt_tokens"),
    completion_tokens: left("completion_tokens"),
  };
  return usage === "0" && rest.requests === 0n ? null : rest;
}

function toLine(row: Item, day: UsageDate, user: string | null): Pulled {
  const { model, provider_name: provider, usage, requests, prompt_tokens, completion_tokens } = row;
  return billLine({
    feed,
    key: [day, user ?? "", cellOf(row)].join("|"),
    service: "openrouter",
    account: row.workspace_id ?? null,
    identity: user === null ? { kind: "org", value: null } : { kind: "vendor_user", value: user },
    day,
    description: `${model} at ${provider}`,
    amount: required(stateAmount(usage, "USD"), vendor, path),
    model,
    sku: provider,
    tokens: { input: prompt_tokens, output: completion_tokens, cacheRead: null, cacheWrite: null },
    requests,
    record: row,
  });
}
