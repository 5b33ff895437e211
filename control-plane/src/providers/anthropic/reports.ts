import { z } from "zod";
import { addDays, parseUsageDate, type UsageDate } from "@flowstate/shared/time";
import { vendorError } from "../failure.ts";
import type { DayWindow } from "../connector.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { nextCursor, readPages } from "../pages.ts";

export const vendor = "Anthropic";

const page = { has_more: z.boolean(), next_page: field.text.nullish() };

/** Daily buckets of a report with the results of each, page by page. An empty bucket is given, with no results. */
export async function* readBuckets<Result extends z.ZodType>(
  http: VendorHttp,
  {
    path,
    groupBy,
    result,
  }: { readonly path: string; readonly groupBy: readonly string[]; readonly result: Result },
  { from, until }: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<{ readonly day: UsageDate; readonly result: z.output<Result> }> {
  const bucket = z.object({ starting_at: field.text, results: z.array(result) });
  const schema = z.object({ data: z.array(bucket), ...page });
  const query = {
    starting_at: `${from}T00:00:00Z`,
    ending_at: `${addDays(until, 1)}T00:00:00Z`,
    bucket_width: "1d",
    "group_by[]": groupBy,
    limit: 31,
  };
  const buckets = readPages(vendor, async (cursor: string | null) => {
    const { data, has_more, next_page } = await http.json(
      { path, query: { ...query, page: cursor }, schema },
      signal,
    );
    return { items: data, next: nextCursor(vendor, "next_page", has_more, next_page) };
  });
  for await (const { starting_at, results } of buckets) {
    const day = dayOf(starting_at, path);
    for (const result of results) yield { day, result };
  }
}

/** Records of a report without buckets, page by page. */
export function readRecords<Schema extends z.ZodType>(
  http: VendorHttp,
  {
    path,
    query,
    record,
  }: {
    readonly path: string;
    readonly query: Readonly<Record<string, string | number | readonly string[]>>;
    readonly record: Schema;
  },
  signal: AbortSignal,
): AsyncGenerator<z.output<Schema>> {
  const schema = z.object({ data: z.array(record), ...page });
  return readPages(vendor, async (cursor: string | null) => {
    const { data, has_more, next_page } = await http.json(
      { path, query: { ...query, page: cursor }, schema },
      signal,
    );
    return { items: data, next: nextCursor(vendor, "next_page", has_more, next_page) };
  });
}

/** The UTC day of an instant such as 2026-08-01T00:00:00Z. */
export function dayOf(instant: string, path: string): UsageDate {
  const day = parseUsageDate(instant.slice(0, 10));
  if (day.ok) return day.value;
  throw vendorError("changed", `${vendor} changed its answer: ${day.detail} (${path})`);
}
