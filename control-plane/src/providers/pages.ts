import { vendorError } from "./failure.ts";

export interface Page<Item, Cursor> {
  readonly items: readonly Item[];
  /** Where the next page begins; null on the last one. */
  readonly next: Cursor | null;
}

/**
 * The next page of an answer that says whether there is one. An answer that says so and does not say where it begins
 * would end the pull too early, and what was not read would count as withdrawn.
 */
export function nextCursor<Cursor extends string | number>(
  vendor: string,
  name: string,
  hasMore: boolean,
  cursor: Cursor | null | undefined,
): Cursor | null {
  if (!hasMore) return null;
  if (cursor != null) return cursor;
  throw vendorError("changed", `${vendor} changed its answer: ${name} is missing although there is more`);
}

const maxPages = 10_000;

/**
 * Every item of a paged answer. A cursor that comes back, or more pages than any bill has, is a vendor's fault and
 * ends the pull: a half-read report must never look like a whole one.
 */
export async function* readPages<Item, Cursor extends string | number>(
  vendor: string,
  read: (cursor: Cursor | null) => Promise<Page<Item, Cursor>>,
): AsyncGenerator<Item> {
  const seen = new Set<Cursor>();
  let cursor: Cursor | null = null;
  for (let page = 0; page < maxPages; page += 1) {
    const { items, next }: Page<Item, Cursor> = await read(cursor);
    yield* items;
    if (next === null) return;
    if (seen.has(next)) throw vendorError("changed", `${vendor} gave the same page of its answer twice`);
    seen.add(next);
    cursor = next;
  }
  throw vendorError("changed", `${vendor} gave more than ${maxPages} pages for one question`);
}
