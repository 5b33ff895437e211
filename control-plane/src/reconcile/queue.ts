import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { NanoUsd } from "@flowstate/shared/money";
import { dayMs, type Period, type UsageDate } from "@flowstate/shared/time";
import type { UsageProviderKind } from "../providers/kinds.ts";
import { addressesOf, loadAliases } from "../directory/aliases.ts";
import type { Reader } from "../store/open.ts";
import type { UsageTables } from "../usage/tables.ts";
import type { Evidence, MatchRule } from "./facts.ts";
import { confidencePpm, scoreOf } from "./score.ts";
import type { Status } from "./status.ts";

export interface RowMatch {
  readonly rule: MatchRule;
  readonly confidencePpm: number;
  readonly billed: NanoUsd;
  readonly observed: NanoUsd;
  readonly ambiguous: boolean;
  readonly evidence: readonly Evidence[];
  readonly shares: readonly { readonly subject: string; readonly amount: NanoUsd }[];
}

/** A row of the queue. */
export interface QueueRow {
  readonly orgId: OrgId;
  readonly rowId: string;
  readonly kind: UsageProviderKind;
  readonly service: string;
  readonly subject: string | null;
  readonly usageDate: UsageDate;
  readonly period: Period;
  readonly description: string;
  readonly amount: NanoUsd;
  readonly originalAmount: string | null;
  readonly originalCurrency: string;
  readonly status: Status;
  readonly matchId: string | null;
  readonly match: RowMatch | null;
  readonly note: string | null;
  readonly deferredTo: Period | null;
  /** What was confirmed, where the provider has restated the line since. */
  readonly restatedFrom: NanoUsd | null;
  readonly updatedAt: number;
}

interface Listed {
  readonly row_id: string;
  readonly kind: UsageProviderKind;
  readonly service: string;
  readonly subject: string | null;
  readonly usage_day: UsageDate;
  readonly period: Period;
  readonly description: string;
  readonly amount_nano_usd: NanoUsd;
  readonly original_amount: string | null;
  readonly original_currency: string;
  readonly status: Status;
  readonly match_id: string | null;
  readonly note: string | null;
  readonly deferred_to: Period | null;
  readonly confirmed_nano_usd: NanoUsd | null;
  readonly updated_at: number;
  readonly rule: MatchRule | null;
  readonly billed_nano_usd: NanoUsd | null;
  readonly observed_nano_usd: NanoUsd | null;
  readonly ambiguous: bigint | null;
  readonly evidence: string | null;
  readonly shares: string | null;
}

export interface QueueFilter {
  readonly period: Period;
  /** Every status where it is empty. */
  readonly statuses: readonly Status[];
  readonly limit: number;
}

/** A month's rows, the largest amounts first. */
export async function listQueue(db: Reader, orgId: OrgId, filter: QueueFilter): Promise<readonly QueueRow[]> {
  const { period, statuses, limit } = filter;
  const among =
    statuses.length === 0 ? sql`TRUE` : sql`coalesce(r.status, 'unreconciled') IN (${sql.join(statuses)})`;
  return list(
    db,
    orgId,
    sql`((b.period = ${period} AND r.row_id IS NULL) OR r.period = ${period}) AND ${among}
      ORDER BY abs(b.amount_nano_usd) DESC, b.row_id LIMIT ${limit}`,
  );
}

export async function findRow(db: Reader, orgId: OrgId, rowId: string): Promise<QueueRow | null> {
  const [row] = await list(db, orgId, sql`b.row_id = ${rowId}`);
  return row ?? null;
}

async function list(
  db: Reader,
  orgId: OrgId,
  condition: ReturnType<typeof sql>,
): Promise<readonly QueueRow[]> {
  const { rows } =
    await sql<Listed>`SELECT b.row_id, b.kind, b.service, b.subject, b.usage_day, b.description,
      b.amount_nano_usd, b.original_amount, b.original_currency, coalesce(r.period, b.period) AS period,
      coalesce(r.status, 'unreconciled') AS status, r.match_id, r.note, r.deferred_to, r.confirmed_nano_usd,
      coalesce(r.updated_at, b.updated_at) AS updated_at, m.rule, m.billed_nano_usd, m.observed_nano_usd,
      m.ambiguous, m.evidence, m.shares
    FROM billing_rows AS b
      LEFT JOIN reconciliation_rows AS r ON r.org_id = b.org_id AND r.row_id = b.row_id
      LEFT JOIN reconciliation_matches AS m ON m.org_id = r.org_id AND m.match_id = r.match_id
    WHERE b.org_id = ${orgId} AND b.grade = 'billed' AND b.withdrawn_at IS NULL AND ${condition}`.execute(db);
  return rows.map((row) => ({
    orgId,
    rowId: row.row_id,
    kind: row.kind,
    service: row.service,
    subject: row.subject,
    usageDate: row.usage_day,
    period: row.period,
    description: row.description,
    amount: row.amount_nano_usd,
    originalAmount: row.original_amount,
    originalCurrency: row.original_currency,
    status: row.status,
    matchId: row.match_id,
    match: matchOf(row),
    note: row.note,
    deferredTo: row.deferred_to,
    restatedFrom:
      row.confirmed_nano_usd === null || row.confirmed_nano_usd === row.amount_nano_usd
        ? null
        : row.confirmed_nano_usd,
    updatedAt: row.updated_at,
  }));
}

function matchOf(row: Listed): RowMatch | null {
  if (row.rule === null || row.billed_nano_usd === null || row.observed_nano_usd === null) return null;
  const evidence = JSON.parse(row.evidence ?? "[]") as Evidence[];
  const shares = JSON.parse(row.shares ?? "[]") as [string, string, string][];
  return {
    rule: row.rule,
    confidencePpm: confidencePpm(scoreOf(evidence)),
    billed: row.billed_nano_usd,
    observed: row.observed_nano_usd,
    ambiguous: row.ambiguous === 1n,
    evidence,
    shares: shares
      .filter(([rowId]) => rowId === row.row_id)
      .map(([, subject, amount]) => ({ subject, amount: BigInt(amount) as NanoUsd })),
  };
}

export type SessionRow = UsageTables["sessions"];

/** Sessions behind a row's match: those of its people, provider and days. */
export async function sessionsOf(
  db: Reader,
  { orgId, matchId }: QueueRow,
  limit: number,
): Promise<readonly SessionRow[]> {
  if (matchId === null) return [];
  const facts = await db
    .selectFrom("matched_facts")
    .select("fact_id")
    .where("org_id", "=", orgId)
    .where("match_id", "=", matchId)
    .orderBy("fact_id")
    .execute();
  const days = new Map(
    facts.map(({ fact_id }) => {
      const [provider = "", subject = "", day = ""] = fact_id.split("|");
      return [`${provider}|${subject}|${day}`, { provider, subject, from: Date.parse(day) }];
    }),
  );
  const aliases = await loadAliases(db, orgId);
  const found: SessionRow[] = [];
  for (const { provider, subject, from } of days.values()) {
    if (found.length >= limit) break;
    found.push(
      ...(await db
        .selectFrom("sessions")
        .selectAll()
        .where("org_id", "=", orgId)
        .where("subject", "in", addressesOf(subject, aliases))
        .where("provider", "=", provider)
        .where("started_at", "<", from + dayMs)
        .where("ended_at", ">=", from)
        .orderBy("started_at")
        .limit(limit - found.length)
        .execute()),
    );
  }
  return found;
}
