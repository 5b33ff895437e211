import { parse } from "csv-parse/sync";
import { z } from "zod";
import type { Clock } from "@flowstate/shared/clock";
import { parseUsageDate, type UsageDate } from "@flowstate/shared/time";
import { addDecimals, stateAmount } from "../amount.ts";
import { billLine, type DayWindow, type Pulled } from "../connector.ts";
import { field, required } from "../exact-json.ts";
import { vendorError } from "../failure.ts";
import type { VendorHttp } from "../http.ts";

const vendor = "GitHub";

/** AI credits since June 2026, premium requests before. */
const reports = ["ai_credit", "premium_request"] as const;
type ReportType = (typeof reports)[number];

export interface Enterprise {
  readonly http: VendorHttp;
  readonly slug: string;
  readonly clock: Clock;
}

/**
 * Billed usage by day, person, SKU and model of every organisation of an enterprise. GitHub writes the report when it
 * is asked for and says when it is done; one question in place of one for each person and day.
 */
export async function* pullEnterpriseReports(
  enterprise: Enterprise,
  window: DayWindow,
  signal: AbortSignal,
): AsyncGenerator<Pulled> {
  for (const type of reports) {
    const lines = new Map<string, ReportLine>();
    for (const address of await orderReport(enterprise, type, window, signal)) {
      for await (const line of readReport(enterprise, address, signal)) {
        if (line.day < window.from || line.day > window.until) continue;
        const key = keyOf(line);
        const before = lines.get(key);
        lines.set(key, before === undefined ? line : sumOf(before, line));
      }
    }
    for (const [key, line] of lines) yield toLine(line, type, key);
    yield { type: "covered", feed: type };
  }
}

const order = z.object({
  id: field.text,
  status: field.text,
  download_urls: z.array(field.text).nullish(),
});

const pollMs = 10_000;
const maxPolls = 60;

/** Asks for a report and waits until it is written. Returns the addresses of its files. */
async function orderReport(
  { http, slug, clock }: Enterprise,
  type: ReportType,
  { from, until }: DayWindow,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const path = `/enterprises/${slug}/settings/billing/reports`;
  const json = { report_type: type, start_date: from, end_date: until };
  let report = await http.json({ path, json, expect: [202], schema: order }, signal);
  for (let poll = 0; report.status === "processing" && poll < maxPolls; poll += 1) {
    await clock.sleep(pollMs, signal);
    report = await http.json({ path: `${path}/${encodeURIComponent(report.id)}`, schema: order }, signal);
  }
  if (report.status === "completed") return report.download_urls ?? [];
  throw vendorError("unreachable", `${vendor}: the usage report was not written (${report.status}, ${path})`);
}

interface ReportLine {
  readonly day: UsageDate;
  readonly username: string;
  readonly organization: string;
  readonly costCentre: string;
  readonly product: string;
  readonly sku: string;
  readonly model: string;
  readonly unit: string;
  readonly quantity: string;
  readonly gross: string;
  readonly net: string;
}

/** Columns without which a report says nothing to us. GitHub adds others. */
const vital = ["date", "username", "sku", "model", "quantity", "unit_type", "gross_amount", "net_amount"];

async function* readReport(
  { http }: Enterprise,
  address: string,
  signal: AbortSignal,
): AsyncGenerator<ReportLine> {
  let header: readonly string[] | null = null;
  for await (const text of http.lines(address, signal)) {
    if (text.trim() === "") continue;
    const cells = splitLine(text);
    if (header === null) {
      header = cells;
      const missing = vital.find((column) => !cells.includes(column));
      if (missing !== undefined) throw changed(`no column ${missing}`);
      continue;
    }
    if (cells.length !== header.length)
      throw vendorError("unreachable", `${vendor}: a usage report was cut off`);
    yield toReportLine(header, cells);
  }
}

function splitLine(text: string): readonly string[] {
  try {
    return parse(text, { bom: true, trim: true })[0] ?? [];
  } catch (error) {
    throw vendorError("unreachable", `${vendor}: a usage report was cut off`, { cause: error });
  }
}

function toReportLine(header: readonly string[], cells: readonly string[]): ReportLine {
  const cell = (column: string): string => cells[header.indexOf(column)] ?? "";
  const number = (column: string): string => {
    const stated = required(stateAmount(cell(column), "USD"), vendor, `usage report, ${column}`);
    return stated.text;
  };
  return {
    day: required(parseUsageDate(cell("date").slice(0, 10)), vendor, "usage report, date"),
    username: cell("username"),
    organization: cell("organization"),
    costCentre: cell("cost_center_name"),
    product: cell("product"),
    sku: cell("sku"),
    model: cell("model"),
    unit: cell("unit_type"),
    quantity: number("quantity"),
    gross: number("gross_amount"),
    net: number("net_amount"),
  };
}

function keyOf({ day, username, organization, costCentre, product, sku, model, unit }: ReportLine): string {
  return [day, username, organization, costCentre, product, sku, model, unit].join("|");
}

function sumOf(a: ReportLine, b: ReportLine): ReportLine {
  return {
    ...a,
    quantity: addDecimals(a.quantity, b.quantity),
    gross: addDecimals(a.gross, b.gross),
    net: addDecimals(a.net, b.net),
  };
}

function toLine(line: ReportLine, feed: ReportType, key: string): Pulled {
  const { day, username, organization, sku, model, unit, quantity, gross, net } = line;
  return billLine({
    feed,
    key,
    service: "github-copilot",
    account: organization === "" ? null : organization,
    identity: username === "" ? { kind: "org", value: null } : { kind: "login", value: username },
    day,
    description: model === "" ? sku : `${sku}, ${model}`,
    amount: { text: net, currency: "USD" },
    listAmount: { text: gross, currency: "USD" },
    model: model === "" ? null : model,
    sku,
    quantity: { value: quantity, unit },
    record: line,
  });
}

function changed(fault: string): Error {
  return vendorError("changed", `${vendor} changed its answer: ${fault} (usage report)`);
}
