import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";
import type { ServiceEnvironment } from "./tables.ts";

/** An account as people may see it. */
export interface ServiceAccount {
  readonly accountId: string;
  readonly subject: string;
  readonly name: string;
  readonly environment: ServiceEnvironment;
  readonly description: string | null;
  readonly intendedScope: string | null;
  readonly abuseDetection: boolean;
  /** Of the active key; null once the account is deleted. */
  readonly keyId: string | null;
  /** By calls and proxied traffic; null for never. */
  readonly firstSeenAt: number | null;
  readonly lastSeenAt: number | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly deletedAt: number | null;
}

interface Wanted {
  /** One alone. */
  readonly accountId?: string;
  readonly includeDeleted: boolean;
}

/** Accounts by name, deleted ones last where they are wanted. */
export async function listServiceAccounts(
  db: Reader,
  orgId: OrgId,
  { accountId, includeDeleted }: Wanted,
): Promise<readonly ServiceAccount[]> {
  let wanted = db.selectFrom("service_accounts").selectAll().where("org_id", "=", orgId);
  if (accountId !== undefined) wanted = wanted.where("account_id", "=", accountId);
  if (!includeDeleted) wanted = wanted.where("deleted_at", "is", null);
  const rows = await wanted.orderBy("name").orderBy("account_id").execute();
  const subjects = rows.map(({ subject }) => subject);
  const [keys, seen] = await Promise.all([activeKeys(db, orgId, subjects), seenBetween(db, orgId, subjects)]);
  const accounts = rows.map((row): ServiceAccount => ({
    accountId: row.account_id,
    subject: row.subject,
    name: row.name,
    environment: row.environment,
    description: row.description,
    intendedScope: row.intended_scope,
    abuseDetection: row.abuse_detection === 1n,
    keyId: keys.get(row.subject) ?? null,
    firstSeenAt: seen.get(row.subject)?.first ?? null,
    lastSeenAt: seen.get(row.subject)?.last ?? null,
    createdAt: row.created_at,
    createdBy: row.created_by,
    deletedAt: row.deleted_at,
  }));
  return [
    ...accounts.filter(({ deletedAt }) => deletedAt === null),
    ...accounts.filter(({ deletedAt }) => deletedAt !== null),
  ];
}

async function activeKeys(
  db: Reader,
  orgId: OrgId,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (subjects.length === 0) return new Map();
  const rows = await db
    .selectFrom("keys")
    .select(["subject", "key_id"])
    .where("org_id", "=", orgId)
    .where("kind", "=", "service_account")
    .where("subject", "in", subjects)
    .where("revoked_at", "is", null)
    .execute();
  return new Map(rows.flatMap(({ subject, key_id }) => (subject === null ? [] : [[subject, key_id]])));
}

interface Seen {
  readonly first: number;
  readonly last: number;
}

/** The span over both ways in which an account is seen: what proxies metered, and the calls it made. */
async function seenBetween(
  db: Reader,
  orgId: OrgId,
  subjects: readonly string[],
): Promise<ReadonlyMap<string, Seen>> {
  if (subjects.length === 0) return new Map();
  const [metered, called] = await Promise.all([
    db
      .selectFrom("meter_months")
      .select(["subject"])
      .select(({ fn }) => [fn.min("first_seen_at").as("first_at"), fn.max("last_seen_at").as("last_at")])
      .where("org_id", "=", orgId)
      .where("subject", "in", subjects)
      .groupBy("subject")
      .execute(),
    db
      .selectFrom("sessions")
      .select(["subject"])
      .select(({ fn }) => [fn.min("started_at").as("first_at"), fn.max("ended_at").as("last_at")])
      .where("org_id", "=", orgId)
      .where("subject", "in", subjects)
      .groupBy("subject")
      .execute(),
  ]);
  const spans = new Map<string, Seen>();
  for (const { subject, first_at: first, last_at: last } of [...metered, ...called]) {
    const known = spans.get(subject);
    spans.set(subject, {
      first: Math.min(known?.first ?? first, first),
      last: Math.max(known?.last ?? last, last),
    });
  }
  return spans;
}
