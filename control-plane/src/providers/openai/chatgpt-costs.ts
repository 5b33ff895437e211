import { z } from "zod";
import { addDays, dateOf, parseUsageDate } from "@flowstate/shared/time";
import { multiplyDecimals, stateAmount } from "../amount.ts";
import { billLine, type BillLine, type DayWindow, type Pulled } from "../connector.ts";
import { field, firstFault, parseExactJson, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import type { VendorHttp } from "../http.ts";
import { nextCursor, readPages } from "../pages.ts";

const vendor = "ChatGPT";
const feed = "credits";

/** A ChatGPT Enterprise workspace and what its contract says of credits. */
export interface Workspace {
  readonly http: VendorHttp;
  readonly orgId: string;
  /** US dollars for one credit, decimal text. */
  readonly creditPrice: string;
}

const fileList = z.object({
  data: z.array(z.object({ id: field.text })),
  has_more: z.boolean(),
  last_end_time: field.text.nullish(),
});

const event = z.object({
  event_id: field.text,
  day: field.text,
  identity: z.object({ user_id: field.text.nullish(), email: field.text.nullish() }).nullish(),
  product: field.text.nullish(),
  model: field.text.nullish(),
  billing: z.array(
    z.object({
      sku: field.text.nullish(),
      quantity: z.object({ value: field.decimal, unit: field.text }).nullish(),
      cost: z.object({ value: field.decimal, unit: field.text }),
    }),
  ),
});

/**
 * Credits by person and hour out of the compliance log platform, at the contract's price. Files are delivered at least
 * once and each event has an identifier, so that one delivered twice is one line. Files are kept for thirty days only:
 * of days before that nothing is said.
 */
export async function* pullChatgptCosts(
  { http, orgId, creditPrice }: Workspace,
  window: DayWindow,
  keptSince: number,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  const oldest = dateOf(keptSince);
  if (window.until < oldest) return;
  const from = window.from < oldest ? oldest : window.from;
  const path = `/compliance/organizations/${encodeURIComponent(orgId)}/logs`;
  // The last hours of a day arrive in files that end on the next.
  const query = { event_type: "COSTS", before: `${addDays(window.until, 2)}T00:00:00Z`, limit: 100 };
  const files = readPages(vendor, async (after: string | null) => {
    const asked = { path, query: { ...query, after: after ?? `${from}T00:00:00Z` }, schema: fileList };
    const { data, has_more, last_end_time } = await http.json(asked, signal);
    return { items: data, next: nextCursor(vendor, "last_end_time", has_more, last_end_time) };
  });
  for await (const { id } of files) {
    const redirect = await http.send({ path: `${path}/${encodeURIComponent(id)}`, expect: [307] }, signal);
    for await (const line of http.lines(redirect.header("location") ?? "", signal)) {
      if (line.trim() === "") continue;
      const read = readEvent(line, path);
      if (read.day < from || read.day > window.until) continue;
      yield* toLines(read, creditPrice, path);
    }
  }
  if (from === window.from) yield { type: "covered", feed };
}

function readEvent(line: string, path: string): z.output<typeof event> {
  let value: unknown;
  try {
    value = parseExactJson(line);
  } catch (error) {
    throw vendorError("unreachable", `${vendor}: a log file was cut off (${path})`, { cause: error });
  }
  const parsed = event.safeParse(value);
  if (parsed.success) return parsed.data;
  throw vendorError("changed", `${vendor} changed its answer: ${firstFault(parsed.error)} (${path})`);
}

function* toLines(given: z.output<typeof event>, creditPrice: string, path: string): Generator<Pulled> {
  const { event_id, identity, product, model, billing } = given;
  const day = required(parseUsageDate(given.day), vendor, path);
  for (const { sku, quantity, cost } of billing) {
    yield billLine({
      feed,
      key: [event_id, sku ?? ""].join("|"),
      service: product?.toLowerCase().includes("codex") ? "codex" : "chatgpt",
      identity: whoseIs(identity ?? {}),
      day,
      description: `${product ?? "ChatGPT"}${sku == null ? "" : `, ${sku}`}: ${cost.value} credits`,
      amount: required(stateAmount(multiplyDecimals(cost.value, creditPrice), "USD"), vendor, path),
      model: model ?? null,
      sku: sku ?? null,
      quantity: quantity == null ? { value: cost.value, unit: "credits" } : quantity,
      record: given,
    });
  }
}

function whoseIs({ email, user_id }: NonNullable<z.output<typeof event>["identity"]>): BillLine["identity"] {
  if (email != null) return { kind: "email", value: email.trim().toLowerCase() };
  return user_id == null ? { kind: "org", value: null } : { kind: "vendor_user", value: user_id };
}
