import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { loadAliases } from "../directory/aliases.ts";
import { catalogueServices } from "../catalogue/services.data.ts";
import { providerSlugs, type UsageProviderKind } from "../providers/kinds.ts";
import type { Reader } from "../store/open.ts";
import { sumColumns } from "../usage/rows.ts";
import { partsOf, type Span } from "./parts.ts";
import type { UsageWindow } from "./window.ts";

/** What one person did on one system in the window, as observed. */
export interface ObservedUse {
  readonly system: string;
  readonly subject: string;
  readonly calls: bigint;
  readonly uncostedCalls: bigint;
  readonly estimatedCalls: bigint;
  /** Cache included, so that input and output are the whole. */
  readonly inputTokens: bigint;
  readonly outputTokens: bigint;
  readonly costNanoUsd: bigint;
}

/** What a system's bills say of one person, or of nobody. */
export interface BilledSpend {
  readonly system: string;
  readonly subject: string | null;
  readonly nanoUsd: bigint;
}

export interface Employee {
  readonly employeeId: string;
  readonly email: string;
  readonly name: string | null;
  readonly teamId: string | null;
  readonly active: boolean;
}

export interface TeamNode {
  readonly teamId: string;
  readonly name: string;
  readonly parentId: string | null;
  readonly costCentre: string | null;
}

/** Everything that the three questions are answered from. Subjects are the employees' own addresses, aliases resolved. */
export interface UsageFacts {
  readonly observed: readonly ObservedUse[];
  readonly billed: readonly BilledSpend[];
  readonly employees: readonly Employee[];
  readonly teams: readonly TeamNode[];
  readonly lastCallHour: number | null;
  readonly lastSyncAt: number | null;
}

export async function loadUsageFacts(db: Reader, orgId: OrgId, window: UsageWindow): Promise<UsageFacts> {
  const [observed, billed, employees, teams, aliases, lastCall, lastSync] = await Promise.all([
    loadObserved(db, orgId, window),
    loadBilled(db, orgId, window),
    loadEmployees(db, orgId),
    loadTeams(db, orgId),
    loadAliases(db, orgId),
    db
      .selectFrom("usage_hours")
      .select((row) => row.fn.max("hour").as("at"))
      .where("org_id", "=", orgId)
      .executeTakeFirst(),
    db
      .selectFrom("usage_providers")
      .select((row) => row.fn.max("last_sync_at").as("at"))
      .where("org_id", "=", orgId)
      .where("removed_at", "is", null)
      .executeTakeFirst(),
  ]);
  const personOf = (subject: string): string => aliases.get(subject) ?? subject;
  return {
    observed: observed.map((use) => ({ ...use, subject: personOf(use.subject) })),
    billed: billed.map((spend) => ({
      ...spend,
      subject: spend.subject === null ? null : personOf(spend.subject),
    })),
    employees,
    teams,
    lastCallHour: instantOf(lastCall?.at),
    lastSyncAt: instantOf(lastSync?.at),
  };
}

/** From the sums of months, and of the single days by which the window differs from them. */
async function loadObserved(db: Reader, orgId: OrgId, window: UsageWindow): Promise<readonly ObservedUse[]> {
  const { months, more, less } = partsOf(window);
  const columns = [...sumColumns];
  const signed = (sign: "" | "-") => sql.raw(columns.map((name) => `${sign}${name} AS ${name}`).join(", "));
  const days = (sign: "" | "-", { from, to }: Span) => sql`SELECT provider, subject, ${signed(sign)}
    FROM usage_person_days WHERE org_id = ${orgId} AND day_at >= ${from} AND day_at < ${to}`;
  const parts = [
    sql`SELECT provider, subject, ${signed("")} FROM usage_person_months
      WHERE org_id = ${orgId} AND period >= ${months.first} AND period < ${months.next}`,
    ...more.map((span) => days("", span)),
    ...less.map((span) => days("-", span)),
  ];
  const total = (names: string) => sql`CAST(sum(${sql.raw(names)}) AS BIGINT)`;
  const { rows } = await sql<ObservedUse>`SELECT provider AS system, subject, ${total("calls")} AS calls,
      ${total("uncosted_calls")} AS "uncostedCalls", ${total("estimated_calls")} AS "estimatedCalls",
      ${total("input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens")} AS "inputTokens",
      ${total("output_tokens")} AS "outputTokens", ${total("cost_nano_usd")} AS "costNanoUsd"
    FROM (${sql.join(parts, sql` UNION ALL `)}) AS used
    GROUP BY provider, subject HAVING sum(calls) <> 0`.execute(db);
  return rows;
}

/** The vendors' money alone: their guesses and our shares of it would count it twice. */
async function loadBilled(db: Reader, orgId: OrgId, window: UsageWindow): Promise<readonly BilledSpend[]> {
  const rows = await db
    .selectFrom("billing_rows")
    .select(["kind", "service", "subject"])
    .select(sql<bigint>`CAST(sum(amount_nano_usd) AS BIGINT)`.as("nanoUsd"))
    .where("org_id", "=", orgId)
    .where("usage_day", ">=", window.startDate)
    .where("usage_day", "<=", window.endDate)
    .where("grade", "=", "billed")
    .where("withdrawn_at", "is", null)
    .groupBy(["kind", "service", "subject"])
    .execute();
  return rows.map(({ kind, service, subject, nanoUsd }) => ({
    system: systemOfBill(kind as UsageProviderKind, service),
    subject,
    nanoUsd,
  }));
}

/** The provider whose calls a bill is for. A demo and an imported file bill for any provider, so the service says. */
export function systemOfBill(kind: UsageProviderKind, service: string): string {
  const row = services.get(service);
  const payer = row?.billedBy == null ? undefined : services.get(row.billedBy);
  const listed = row?.provider ?? payer?.provider ?? null;
  if (listed !== null) return listed;
  const anyProvider = kind === "DEMO" || kind === "CSV_IMPORT";
  return anyProvider ? service : (providerSlugs[kind][0] ?? service);
}

const services = new Map(catalogueServices.map((row) => [row.id, row]));

export async function loadEmployees(db: Reader, orgId: OrgId): Promise<readonly Employee[]> {
  const rows = await db
    .selectFrom("employees")
    .select(["employee_id", "email", "name", "primary_team_id", "active"])
    .where("org_id", "=", orgId)
    .execute();
  return rows.map((row) => ({
    employeeId: row.employee_id,
    email: row.email,
    name: row.name,
    teamId: row.primary_team_id,
    active: row.active === 1n,
  }));
}

export async function loadTeams(db: Reader, orgId: OrgId): Promise<readonly TeamNode[]> {
  return db
    .selectFrom("teams")
    .select(["team_id as teamId", "name", "parent_id as parentId", "cost_centre as costCentre"])
    .where("org_id", "=", orgId)
    .orderBy("name")
    .orderBy("team_id")
    .execute();
}

function instantOf(at: number | bigint | string | null | undefined): number | null {
  return at == null ? null : Number(at);
}
