import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { raiseRevision } from "../orgs/orgs.ts";
import type { Reader, Writer } from "../store/open.ts";

/** Requests a subject may make in a calendar month; null where there is no limit. */
export interface Quotas {
  readonly everybody: bigint | null;
  readonly bySubject: ReadonlyMap<string, bigint>;
}

const everybody = "";

export async function readQuotas(db: Reader, orgId: OrgId): Promise<Quotas> {
  const rows = await db
    .selectFrom("quotas")
    .select(["subject", "requests"])
    .where("org_id", "=", orgId)
    .execute();
  const bySubject = new Map(rows.map((row) => [row.subject, row.requests]));
  const forAll = bySubject.get(everybody) ?? null;
  bySubject.delete(everybody);
  return { everybody: forAll, bySubject };
}

/** A subject's own quota, else everybody's. */
export function quotaOf({ everybody, bySubject }: Quotas, subject: string): bigint | null {
  return bySubject.get(subject) ?? everybody;
}

/** Requests beyond the quota; none where there is no quota. */
export function overageUnits(requests: bigint, quota: bigint | null): bigint {
  return quota !== null && requests > quota ? requests - quota : 0n;
}

export interface QuotaChange {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
  /** Null for everybody without a quota of their own. */
  readonly subject: string | null;
  /** Null removes the quota. */
  readonly quota: bigint | null;
}

/** Sets or removes a quota and tells the proxies. */
export async function setQuota(
  db: Writer,
  { orgId, actor, now, subject, quota }: QuotaChange,
): Promise<void> {
  const name = subject ?? everybody;
  if (quota === null) {
    await db.deleteFrom("quotas").where("org_id", "=", orgId).where("subject", "=", name).execute();
  } else {
    await db
      .insertInto("quotas")
      .values({ org_id: orgId, subject: name, requests: quota })
      .onConflict((on) => on.columns(["org_id", "subject"]).doUpdateSet({ requests: quota }))
      .execute();
  }
  await raiseRevision(db, orgId);
  const detail = quota === null ? "no quota" : `${quota} requests a month`;
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: "quota.set",
    target: subject ?? "everybody",
    detail,
  });
}

/** A subject's month after some increments, and what they added to its requests. */
export interface MonthTotal {
  readonly period: string;
  readonly subject: string;
  /** Exact and estimated together. */
  readonly requests: bigint;
  readonly added: bigint;
}

/** Whether these increments took a subject beyond its quota in the current month. */
export async function crossedQuota(
  db: Reader,
  orgId: OrgId,
  current: Period,
  totals: readonly MonthTotal[],
): Promise<boolean> {
  const quotas = await readQuotas(db, orgId);
  return totals.some(({ period, subject, requests, added }) => {
    const quota = quotaOf(quotas, subject);
    return period === current && quota !== null && requests > quota && requests - added <= quota;
  });
}

/** Subjects beyond their quota in a month, in alphabetical order. */
export async function subjectsOverQuota(db: Reader, orgId: OrgId, period: Period): Promise<string[]> {
  const quotas = await readQuotas(db, orgId);
  if (quotas.everybody === null && quotas.bySubject.size === 0) return [];
  const rows = await db
    .selectFrom("meter_months")
    .select(["subject", "requests", "estimated_requests"])
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .orderBy("subject")
    .execute();
  return rows
    .filter((row) => overageUnits(row.requests + row.estimated_requests, quotaOf(quotas, row.subject)) > 0n)
    .map(({ subject }) => subject);
}
