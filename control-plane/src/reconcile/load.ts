import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { modelCandidates } from "@flowstate/shared/prices/model-id";
import { tokens, totalTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { addMonths, dateOf, dayMs, periodOfDate, type Period, type UsageDate } from "@flowstate/shared/time";
import { addressesOf, loadAliases } from "../directory/aliases.ts";
import type { BillingTables } from "../billing/tables.ts";
import { catalogueServices } from "../catalogue/services.data.ts";
import { providerSlugs, type UsageProviderKind } from "../providers/kinds.ts";
import type { Reader } from "../store/open.ts";
import type { BillFact, ObservedFact } from "./facts.ts";
import type { Status } from "./status.ts";

type BillingColumns = Pick<
  BillingTables["billing_rows"],
  | "row_id"
  | "provider_id"
  | "identity_value"
  | "kind"
  | "service"
  | "subject"
  | "usage_day"
  | "model"
  | "amount_nano_usd"
  | "original_currency"
  | "charge_category"
  | "charge_frequency"
  | "input_tokens"
  | "output_tokens"
  | "cache_read_tokens"
  | "cache_write_tokens"
>;

/** A line of a bill with where it stands. */
export interface StandingLine extends BillingColumns {
  readonly period: Period;
  readonly status: Status;
  readonly match_id: string | null;
  readonly version: bigint;
}

/** Those of a match and one row, or of some people; `subjects` null: those that name nobody. */
type OnlyLines =
  | { readonly rowId: string; readonly matchId: string | null }
  | { readonly subjects: readonly string[] | null };

function conditionOf(only: OnlyLines): ReturnType<typeof sql> {
  if ("rowId" in only) return sql`(b.row_id = ${only.rowId} OR r.match_id = ${only.matchId})`;
  return only.subjects === null ? sql`b.subject IS NULL` : sql`b.subject IN (${sql.join(only.subjects)})`;
}

/** What of a line decides in whose month's queue it is, for a FROM with both tables. */
const inQueue = (orgId: OrgId, period: Period): ReturnType<typeof sql> =>
  sql`b.org_id = ${orgId} AND b.grade = 'billed' AND b.withdrawn_at IS NULL
    AND ((b.period = ${period} AND r.row_id IS NULL) OR r.period = ${period})`;

/** Everybody on a month's bills, or seen in the time of interest. */
export async function loadPeople(
  db: Reader,
  orgId: OrgId,
  period: Period,
  { from, until }: { readonly from: number; readonly until: number },
): Promise<readonly string[]> {
  const { rows } = await sql<{ subject: string }>`SELECT b.subject FROM billing_rows AS b
      LEFT JOIN reconciliation_rows AS r ON r.org_id = b.org_id AND r.row_id = b.row_id
    WHERE ${inQueue(orgId, period)} AND b.subject IS NOT NULL
    UNION SELECT subject FROM usage_hours WHERE org_id = ${orgId} AND hour >= ${from} AND hour < ${until}
    ORDER BY 1`.execute(db);
  const aliases = await loadAliases(db, orgId);
  return [...new Set(rows.map(({ subject }) => aliases.get(subject) ?? subject))].sort();
}

/** The earliest month that a line in a month's queue was used in. */
export async function firstMonthOf(db: Reader, orgId: OrgId, period: Period): Promise<Period> {
  const { rows } = await sql<{ day: string | null }>`SELECT min(b.usage_day) AS day FROM billing_rows AS b
      LEFT JOIN reconciliation_rows AS r ON r.org_id = b.org_id AND r.row_id = b.row_id
    WHERE ${inQueue(orgId, period)}`.execute(db);
  const day = rows[0]?.day ?? null;
  const own = day === null ? period : periodOfDate(day as UsageDate);
  return own < period ? own : period;
}

/** The matches that a month's rows rest on. */
export async function matchUses(
  db: Reader,
  orgId: OrgId,
  period: Period,
): Promise<readonly { readonly matchId: string; readonly confirmed: boolean }[]> {
  const rows = await db
    .selectFrom("reconciliation_rows")
    .select(["match_id", "status"])
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .where("match_id", "is not", null)
    .execute();
  return rows.flatMap(({ match_id: matchId, status }) =>
    matchId === null ? [] : [{ matchId, confirmed: status === "confirmed" }],
  );
}

/**
 * The lines in a month's queue. Only what the vendor bills is in it: estimates are no money, and what a later pull no
 * longer had is no line.
 */
export async function loadLines(
  db: Reader,
  orgId: OrgId,
  period: Period,
  only: OnlyLines | null = null,
): Promise<readonly StandingLine[]> {
  const { rows } =
    await sql<StandingLine>`SELECT b.row_id, b.provider_id, b.identity_value, b.kind, b.service, b.subject, b.usage_day, b.model,
      b.amount_nano_usd, b.original_currency, b.charge_category, b.charge_frequency, b.input_tokens,
      b.output_tokens, b.cache_read_tokens, b.cache_write_tokens, coalesce(r.period, b.period) AS period,
      coalesce(r.status, 'unreconciled') AS status, r.match_id, coalesce(r.version, 0) AS version
    FROM billing_rows AS b LEFT JOIN reconciliation_rows AS r ON r.org_id = b.org_id AND r.row_id = b.row_id
    WHERE ${inQueue(orgId, period)} AND ${only === null ? sql`TRUE` : conditionOf(only)}`.execute(db);
  return rows;
}

/** What was observed on the UTC days from `from` to before `until`, in milliseconds, whatever address it came under. */
export async function loadObserved(
  db: Reader,
  orgId: OrgId,
  { from, until }: { readonly from: number; readonly until: number },
  subjects: readonly string[] | null = null,
): Promise<readonly ObservedFact[]> {
  const aliases = await loadAliases(db, orgId);
  const addresses = subjects?.flatMap((subject) => addressesOf(subject, aliases));
  const among = addresses === undefined ? sql`TRUE` : sql`subject IN (${sql.join(addresses)})`;
  const { rows } = await sql<{
    day: bigint;
    provider: string;
    subject: string;
    model: string;
    billing: string;
    cost: bigint;
    tokens: bigint;
  }>`SELECT hour / ${sql.lit(dayMs)} AS day, provider, subject, model,
      CASE WHEN billing = 'plan' THEN 'plan' ELSE 'metered' END AS billing,
      CAST(sum(cost_nano_usd) AS BIGINT) AS cost,
      CAST(sum(input_tokens + output_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens) AS BIGINT)
        AS tokens
    FROM usage_hours WHERE org_id = ${orgId} AND hour >= ${from} AND hour < ${until} AND ${among}
    GROUP BY 1, 2, 3, 4, 5`.execute(db);
  const facts = new Map<string, ObservedFact>();
  for (const row of rows) {
    const day = dateOf(Number(row.day) * dayMs);
    const model = row.model === "" ? null : canonicalModel(row.model);
    const plan = row.billing === "plan";
    const subject = aliases.get(row.subject) ?? row.subject;
    const factId = [row.provider, subject, day, model ?? "", plan ? "plan" : ""].join("|");
    const known = facts.get(factId);
    facts.set(factId, {
      factId,
      provider: row.provider,
      subject,
      day,
      model,
      cost: ((known?.cost ?? 0n) + row.cost) as NanoUsd,
      tokens: (known?.tokens ?? 0n) + row.tokens,
      plan,
    });
  }
  return [...facts.values()].filter(({ cost, tokens }) => cost !== 0n || tokens !== 0n);
}

/** Which match uses which fact, among the matches of these months and their neighbours. */
export async function matchedFacts(
  db: Reader,
  orgId: OrgId,
  { first, last }: { readonly first: Period; readonly last: Period },
): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom("matched_facts")
    .innerJoin("reconciliation_matches", (join) =>
      join
        .onRef("reconciliation_matches.org_id", "=", "matched_facts.org_id")
        .onRef("reconciliation_matches.match_id", "=", "matched_facts.match_id"),
    )
    .select(["matched_facts.fact_id", "matched_facts.match_id"])
    .where("matched_facts.org_id", "=", orgId)
    .where("reconciliation_matches.period", ">=", addMonths(first, -1))
    .where("reconciliation_matches.period", "<=", addMonths(last, 1))
    .execute();
  return new Map(rows.map(({ fact_id, match_id }) => [fact_id, match_id]));
}

/** The observed usage that a match rests on. */
export async function loadMatched(
  db: Reader,
  orgId: OrgId,
  matchId: string,
): Promise<readonly ObservedFact[]> {
  const rows = await db
    .selectFrom("matched_facts")
    .select("fact_id")
    .where("org_id", "=", orgId)
    .where("match_id", "=", matchId)
    .execute();
  const ids = new Set(rows.map(({ fact_id }) => fact_id));
  const parts = [...ids].map((id) => id.split("|"));
  const days = parts.map(([, , day = ""]) => Date.parse(day));
  const subjects = [...new Set(parts.map(([, subject = ""]) => subject))];
  if (subjects.length === 0) return [];
  const bounds = { from: Math.min(...days), until: Math.max(...days) + dayMs };
  const facts = await loadObserved(db, orgId, bounds, subjects);
  return facts.filter(({ factId }) => ids.has(factId));
}

/** Who used a key on a day, by the vendor's own count. */
export type KeyUsers = ReadonlyMap<string, readonly string[]>;

export async function loadKeyUsers(
  db: Reader,
  orgId: OrgId,
  { first, last }: { readonly first: Period; readonly last: Period },
): Promise<KeyUsers> {
  const rows = await db
    .selectFrom("vendor_usage")
    .select(["provider_id", "usage_day", "api_key", "subject"])
    .distinct()
    .where("org_id", "=", orgId)
    .where("usage_day", ">=", `${first}-01`)
    .where("usage_day", "<=", `${last}-31`)
    .where("api_key", "is not", null)
    .where("subject", "is not", null)
    .orderBy("subject")
    .execute();
  const users = new Map<string, string[]>();
  for (const { provider_id, usage_day, api_key, subject } of rows) {
    const name = keyName(provider_id, usage_day, api_key);
    users.set(name, [...(users.get(name) ?? []), ...(subject === null ? [] : [subject])]);
  }
  return users;
}

function keyName(providerId: string, day: string, key: string | null): string {
  return `${providerId}\n${day}\n${key ?? ""}`;
}

/** A line as the matcher sees it; null where no usage can stand behind it. */
export function billFactOf(line: StandingLine, keyUsers: KeyUsers): BillFact | null {
  if (line.charge_category !== "Usage") return null;
  const counts = tokensOf(line);
  const count = counts === null ? null : totalTokens(counts);
  return {
    rowId: line.row_id,
    provider: providerOf(line),
    subject: line.subject,
    keyUsers:
      line.subject === null
        ? (keyUsers.get(keyName(line.provider_id, line.usage_day, line.identity_value)) ?? [])
        : [],
    day: line.usage_day as UsageDate,
    model: line.model === null ? null : canonicalModel(line.model),
    amount: line.amount_nano_usd as NanoUsd,
    tokens: count === null ? null : BigInt(count),
  };
}

/** The line's tokens by class; null where the vendor does not say any. Its cache writes are of the cheaper kind. */
export function tokensOf(line: StandingLine): TokenCounts | null {
  const counts = tokens({
    input: countOf(line.input_tokens),
    output: countOf(line.output_tokens),
    cacheRead: countOf(line.cache_read_tokens),
    cacheWrite5m: countOf(line.cache_write_tokens),
  });
  return totalTokens(counts) === null ? null : counts;
}

function countOf(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

/** The slug that calls of the line's service carry. */
export function providerOf({ kind, service }: Pick<StandingLine, "kind" | "service">): string {
  const [slug] = providerSlugs[kind as UsageProviderKind] ?? [];
  return providerOfService(service) ?? slug ?? service;
}

const services = new Map(catalogueServices.map((service) => [service.id, service]));

/** A tool that another service bills for is called at that service's provider. */
function providerOfService(id: string): string | null {
  const service = services.get(id);
  if (service === undefined) return null;
  return service.provider ?? (service.billedBy === null ? null : providerOfService(service.billedBy));
}

/** One name for the names under which vendors and tools know a model: the shortest of its forms. */
function canonicalModel(model: string): string {
  return modelCandidates(model).reduce((a, b) => (b.length < a.length ? b : a), model);
}
