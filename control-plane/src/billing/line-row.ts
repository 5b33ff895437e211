import { hash } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, periodOfDate, type UsageDate } from "@flowstate/shared/time";
import type { BillLine } from "../providers/connector.ts";
import type { UsageProviderKind } from "../providers/kinds.ts";
import type { ColumnType } from "../store/json-rows.ts";
import { toUsd, type Rates } from "./exchange.ts";
import type { People } from "./people.ts";
import type { BillingTables } from "./tables.ts";

/** One line of a bill as it is stored. */
export type LineRow = BillingTables["billing_rows"];

/** Where a batch of lines comes from and what it is read with. */
export interface LineSource {
  readonly orgId: OrgId;
  readonly providerId: string;
  readonly kind: UsageProviderKind;
  readonly importId: string | null;
  /** When the pull began: its lines are told by it from those that it did not bring. */
  readonly seenAt: number;
  readonly now: number;
  readonly rates: Rates;
  readonly people: People;
}

/** What was stated; when one of these is another, the vendor restated the line. */
const stated = [
  "amount_nano_usd",
  "original_amount",
  "original_currency",
  "list_nano_usd",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "requests",
  "quantity",
  "grade",
  "charge_category",
  "identity_value",
] as const satisfies readonly (keyof LineRow)[];

/** What else a row says of the line; when one of these is another, the row follows without a new revision. */
const described = [
  "subject",
  "description",
  "account",
  "service",
  "model",
  "sku",
  "raw_hash",
  "withdrawn_at",
] as const;

export type KnownLine = Pick<
  LineRow,
  | (typeof stated)[number]
  | (typeof described)[number]
  | "row_id"
  | "revision"
  | "first_seen_at"
  | "last_seen_at"
>;

export interface DecidedLine {
  readonly change: "new" | "stated" | "described" | "none";
  readonly row: LineRow;
}

/** What becomes of a line, given the row that is stored. Pure. */
export function decide(known: KnownLine | null, row: LineRow): DecidedLine {
  if (known === null) return { change: "new", row };
  const kept = { ...row, first_seen_at: known.first_seen_at, revision: known.revision };
  if (stated.some((column) => known[column] !== row[column])) {
    const wasFinal = known.last_seen_at >= Date.parse(`${row.usage_day}T00:00:00Z`) + dayMs;
    return { change: "stated", row: wasFinal ? { ...kept, revision: known.revision + 1n } : kept };
  }
  return {
    change: described.some((column) => known[column] !== row[column]) ? "described" : "none",
    row: kept,
  };
}

/**
 * Made from the integration and the natural key, so that a second pull finds the same row. The day leads, so that what
 * is written together lies together: at a million rows that is the difference between minutes and hours.
 */
export function rowIdOf(providerId: string, factKey: string, day: UsageDate): string {
  return day.replaceAll("-", "") + hash("sha256", `${providerId}|${factKey}`, "base64url").slice(0, 24);
}

/** The line as a row, in US dollars and with the person whom its name stands for. Throws FS_INPUT_INVALID without a rate. */
export function toRow(line: BillLine, source: LineSource): LineRow {
  const { rates, people, now } = source;
  const factKey = `${line.feed}:${line.key}`;
  const { nanoUsd, rate } = toUsd(line.amount, line.day, rates);
  return {
    org_id: source.orgId,
    row_id: rowIdOf(source.providerId, factKey, line.day),
    provider_id: source.providerId,
    kind: source.kind,
    fact_key: factKey,
    revision: 1n,
    grade: line.grade,
    charge_category: line.chargeCategory,
    charge_frequency: line.chargeFrequency,
    service: line.service,
    account: line.account,
    identity_kind: line.identity.kind,
    identity_value: line.identity.value,
    subject: people.subjectOf(line.identity.kind, line.identity.value),
    usage_day: line.day,
    period: periodOfDate(line.day),
    description: line.description,
    amount_nano_usd: nanoUsd,
    original_amount: line.amount.text,
    original_currency: line.amount.currency,
    exchange_rate: rate?.usd ?? null,
    exchange_source: rate?.source ?? null,
    exchange_day: rate?.fromDay ?? null,
    list_nano_usd: line.listAmount === null ? null : toUsd(line.listAmount, line.day, rates).nanoUsd,
    model: line.model,
    sku: line.sku,
    input_tokens: line.tokens?.input ?? null,
    output_tokens: line.tokens?.output ?? null,
    cache_read_tokens: line.tokens?.cacheRead ?? null,
    cache_write_tokens: line.tokens?.cacheWrite ?? null,
    requests: line.requests,
    quantity: line.quantity?.value ?? null,
    unit: line.quantity?.unit ?? null,
    settled: 0n,
    raw_hash: hashRecord(line.record),
    import_id: source.importId,
    first_seen_at: now,
    updated_at: now,
    last_seen_at: source.seenAt,
    withdrawn_at: null,
  };
}

function hashRecord(record: unknown): string {
  return hash(
    "sha256",
    JSON.stringify(record, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)) ??
      "",
    "hex",
  );
}

/** Columns of a row by type, in one order. */
export function lineColumns(row: LineRow): Readonly<Record<string, ColumnType>> {
  const names = Object.keys(row) as (keyof LineRow)[];
  return Object.fromEntries(names.map((name) => [name, integers.has(name) ? "integer" : "text"]));
}

/** What must be known of a stored line to decide what becomes of it. */
export const knownColumns = [
  "row_id",
  "revision",
  "first_seen_at",
  "last_seen_at",
  ...stated,
  ...described,
] as const;

const integers = new Set<keyof LineRow>([
  "revision",
  "amount_nano_usd",
  "list_nano_usd",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "requests",
  "settled",
  "first_seen_at",
  "updated_at",
  "last_seen_at",
  "withdrawn_at",
]);
