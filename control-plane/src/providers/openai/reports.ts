import { z } from "zod";
import { dateOf, type UsageDate } from "@flowstate/shared/time";
import type { DayWindow } from "../connector.ts";
import { boundsOf } from "../days.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { nextCursor, readPages } from "../pages.ts";

export const vendor = "OpenAI";

/** Results of a report's daily buckets, page by page. */
export async function* readBuckets<Result extends z.ZodType>(
  http: VendorHttp,
  {
    path,
    groupBy,
    result,
  }: { readonly path: string; readonly groupBy: readonly string[]; readonly result: Result },
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<{ readonly day: UsageDate; readonly result: z.output<Result> }> {
  const { startMs, endMs } = boundsOf(window);
  const schema = z.object({
    data: z.array(z.object({ start_time: field.epoch, results: z.array(result) })),
    has_more: z.boolean(),
    next_page: field.text.nullish(),
  });
  const query = {
    start_time: startMs / 1000,
    end_time: endMs / 1000,
    bucket_width: "1d",
    group_by: groupBy,
    limit: 31,
  };
  const buckets = readPages(vendor, async (page: string | null) => {
    const { data, has_more, next_page } = await http.json(
      { path, query: { ...query, page }, schema },
      signal,
    );
    return { items: data, next: nextCursor(vendor, "next_page", has_more, next_page) };
  });
  for await (const { start_time, results } of buckets) {
    const day = dateOf(start_time * 1000);
    for (const each of results) yield { day, result: each };
  }
}

/** Items of a directory list, page by page. */
export function readList<Schema extends z.ZodType<{ readonly id: string }>>(
  http: VendorHttp,
  {
    path,
    query = {},
    item,
  }: {
    readonly path: string;
    readonly query?: Readonly<Record<string, string | boolean>>;
    readonly item: Schema;
  },
  signal: AbortSignal,
): AsyncGenerator<z.output<Schema>> {
  const schema = z.object({ data: z.array(item), has_more: z.boolean(), last_id: field.text.nullish() });
  return readPages(vendor, async (after: string | null) => {
    const { data, has_more, last_id } = await http.json(
      { path, query: { ...query, limit: 100, after }, schema },
      signal,
    );
    return { items: data, next: nextCursor(vendor, "last_id", has_more, last_id ?? data.at(-1)?.id) };
  });
}
