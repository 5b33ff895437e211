import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { addMonths, periodOf, type Period } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { providerSlugs, usageProviderKinds } from "../providers/kinds.ts";
import type { Reader, Writer } from "../store/open.ts";
import { recordBillingChanged } from "./changed.ts";
import { loadPeople, reassign } from "./people.ts";

/** A further address of a person, under which devices report or vendors bill. */
export interface Alias {
  readonly email: string;
  readonly employeeId: string;
  readonly updatedAt: number;
}

export interface AliasChange {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

/** Aliases in the order of their addresses, after `cursor`. */
export async function listAliases(
  db: Reader,
  orgId: OrgId,
  { cursor, limit, employeeId }: { cursor: string; limit: number; employeeId: string | null },
): Promise<readonly Alias[]> {
  let rows = db
    .selectFrom("identities")
    .select(["value", "employee_id", "updated_at"])
    .where("org_id", "=", orgId)
    .where("provider", "=", "")
    .where("kind", "=", "email")
    .where("employee_id", "is not", null)
    .where("value", ">", cursor);
  if (employeeId !== null) rows = rows.where("employee_id", "=", employeeId);
  const found = await rows.orderBy("value").limit(limit).execute();
  return found.map((row) => ({
    email: row.value,
    employeeId: row.employee_id ?? "",
    updatedAt: row.updated_at,
  }));
}

/**
 * Says whose a further address is. What was billed and seen under it is the person's from then on, past months too.
 * Throws FS_NOT_FOUND for an unknown employee, FS_CONFLICT where the address is an employee's own.
 */
export async function setAlias(
  db: Writer,
  change: AliasChange,
  { email, employeeId }: { readonly email: Subject; readonly employeeId: string },
): Promise<Alias> {
  const { orgId, now } = change;
  const people = await db
    .selectFrom("employees")
    .select(["employee_id", "email"])
    .where("org_id", "=", orgId)
    .where((where) => where.or([where("employee_id", "=", employeeId), where("email", "=", email)]))
    .execute();
  const owner = people.find((person) => person.email === email);
  if (owner !== undefined) {
    throw new FlowstateError("FS_CONFLICT", `${email} is the own address of employee ${owner.employee_id}`);
  }
  if (people.length === 0) {
    throw new FlowstateError("FS_NOT_FOUND", `there is no employee "${employeeId.slice(0, 40)}"`);
  }
  const values = { employee_id: employeeId, source: "admin" as const, updated_at: now };
  await db
    .insertInto("identities")
    .values({ ...values, org_id: orgId, provider: "", kind: "email", value: email, email: null, label: null })
    .onConflict((on) => on.columns(["org_id", "provider", "kind", "value"]).doUpdateSet(values))
    .execute();
  await follow(db, change, email, "alias.set", people[0]?.email ?? null);
  return { email, employeeId, updatedAt: now };
}

/** Throws FS_NOT_FOUND. */
export async function removeAlias(db: Writer, change: AliasChange, email: Subject): Promise<void> {
  const { numDeletedRows } = await db
    .deleteFrom("identities")
    .where("org_id", "=", change.orgId)
    .where("provider", "=", "")
    .where("kind", "=", "email")
    .where("value", "=", email)
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw new FlowstateError("FS_NOT_FOUND", `there is no alias ${email}`);
  await follow(db, change, email, "alias.removed", null);
}

/** Lines change hands, and every month that was billed or seen under the address is reconciled anew. */
async function follow(
  db: Writer,
  { orgId, actor, now }: AliasChange,
  email: Subject,
  action: "alias.set" | "alias.removed",
  detail: string | null,
): Promise<void> {
  const changed = new Set<Period>(await monthsSeen(db, orgId, email));
  for (const kind of usageProviderKinds) {
    const people = await loadPeople(db, orgId, providerSlugs[kind][0] ?? "");
    const names = [{ kind: "email" as const, value: email }];
    for (const period of await reassign(db, orgId, { kinds: [kind], names, people })) changed.add(period);
  }
  await recordBillingChanged(db, orgId, changed, now);
  await recordAudit(db, { orgId, at: now, actor, action, target: email, detail });
}

async function monthsSeen(db: Reader, orgId: OrgId, email: Subject): Promise<readonly Period[]> {
  const { first, last } = await db
    .selectFrom("usage_hours")
    .select((row) => [
      row.fn.min<bigint | null>("hour").as("first"),
      row.fn.max<bigint | null>("hour").as("last"),
    ])
    .where("org_id", "=", orgId)
    .where("subject", "=", email)
    .executeTakeFirstOrThrow();
  if (first === null || last === null) return [];
  const periods: Period[] = [];
  const end = periodOf(Number(last));
  for (let period = periodOf(Number(first)); period <= end; period = addMonths(period, 1))
    periods.push(period);
  return periods;
}
