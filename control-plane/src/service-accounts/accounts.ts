import { FlowstateError } from "@flowstate/shared/errors";
import { newId } from "@flowstate/shared/ids";
import { keyLabel } from "@flowstate/shared/keys";
import { recordAudit, type AuditAction } from "../audit/record.ts";
import { provisionServiceAccountKey, type KeyContext, type KeyReveal } from "../keys/provision.ts";
import { raiseRevision } from "../orgs/orgs.ts";
import { isUniqueViolation, type Writer } from "../store/open.ts";
import { subjectOf } from "./subject.ts";
import type { ServiceAccountTables, ServiceEnvironment } from "./tables.ts";

/** What an admin says of an account. */
export interface ServiceAccountFields {
  readonly name: string;
  readonly environment: ServiceEnvironment;
  readonly description: string | null;
  readonly intendedScope: string | null;
  readonly abuseDetection: boolean;
}

type Row = ServiceAccountTables["service_accounts"];

/** A new account with its key. Throws FS_CONFLICT where an account has the name, FS_INPUT_INVALID. */
export async function createServiceAccount(
  db: Writer,
  context: KeyContext,
  given: ServiceAccountFields,
): Promise<KeyReveal & { readonly accountId: string }> {
  const fields = readFields(given);
  // First, because it also makes a second creation in the same organisation wait.
  await raiseRevision(db, context.orgId);
  const accountId = newId(context.now);
  const subject = subjectOf(fields.name, await takenSubjects(db, context));
  await refuseTwice(fields.name, () =>
    db
      .insertInto("service_accounts")
      .values({
        org_id: context.orgId,
        account_id: accountId,
        subject,
        ...columnsOf(fields),
        created_at: context.now,
        created_by: context.actor,
        updated_at: context.now,
        deleted_at: null,
      })
      .execute(),
  );
  const reveal = await provisionServiceAccountKey(db, context, { name: fields.name, subject });
  const detail = `${subject}, ${fields.environment}, ${keyLabel("service_account", reveal.keyId)}`;
  await audit(db, context, "service_account.created", fields.name, detail);
  return { key: reveal.key, keyId: reveal.keyId, accountId };
}

/** Changes what is given and leaves the rest. Throws FS_NOT_FOUND, FS_CONFLICT, FS_INPUT_INVALID. */
export async function updateServiceAccount(
  db: Writer,
  context: KeyContext,
  accountId: string,
  change: Partial<ServiceAccountFields>,
): Promise<void> {
  const before = await requireAccount(db, context, accountId);
  const fields = readFields({
    name: change.name ?? before.name,
    environment: change.environment ?? before.environment,
    description: change.description === undefined ? before.description : change.description,
    intendedScope: change.intendedScope === undefined ? before.intended_scope : change.intendedScope,
    abuseDetection: change.abuseDetection ?? before.abuse_detection === 1n,
  });
  const columns = columnsOf(fields);
  const changed = Object.entries(columns).filter(([column, value]) => before[column as keyof Row] !== value);
  if (changed.length === 0) return;
  await refuseTwice(fields.name, () =>
    db
      .updateTable("service_accounts")
      .set({ ...columns, updated_at: context.now })
      .where("org_id", "=", context.orgId)
      .where("account_id", "=", accountId)
      .execute(),
  );
  await audit(db, context, "service_account.updated", before.name, changed.map(told).join("; "));
}

/** A new key for the account; the one before is refused from now on. Throws FS_NOT_FOUND. */
export async function rotateServiceAccountKey(
  db: Writer,
  context: KeyContext,
  accountId: string,
): Promise<KeyReveal> {
  await raiseRevision(db, context.orgId);
  const { name, subject } = await requireAccount(db, context, accountId);
  const { key, keyId, revokedKeyId } = await provisionServiceAccountKey(db, context, { name, subject });
  const revoked = revokedKeyId === null ? "" : `, revokes ${keyLabel("service_account", revokedKeyId)}`;
  const detail = `${keyLabel("service_account", keyId)}${revoked}`;
  await audit(db, context, "service_account.key_rotated", name, detail);
  return { key, keyId };
}

/** Revokes the account's key and hides the account; what it did stays. False where there is none of that id. */
export async function deleteServiceAccount(
  db: Writer,
  context: KeyContext,
  accountId: string,
): Promise<boolean> {
  await raiseRevision(db, context.orgId);
  const deleted = await db
    .updateTable("service_accounts")
    .set({ deleted_at: context.now, updated_at: context.now })
    .where("org_id", "=", context.orgId)
    .where("account_id", "=", accountId)
    .where("deleted_at", "is", null)
    .returning(["name", "subject"])
    .executeTakeFirst();
  if (deleted === undefined) return false;
  await db
    .updateTable("keys")
    .set({ revoked_at: context.now })
    .where("org_id", "=", context.orgId)
    .where("kind", "=", "service_account")
    .where("subject", "=", deleted.subject)
    .where("revoked_at", "is", null)
    .execute();
  await audit(db, context, "service_account.deleted", deleted.name, deleted.subject);
  return true;
}

async function requireAccount(db: Writer, { orgId }: KeyContext, accountId: string): Promise<Row> {
  const row = await db
    .selectFrom("service_accounts")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("account_id", "=", accountId)
    .where("deleted_at", "is", null)
    .executeTakeFirst();
  if (row === undefined) {
    throw new FlowstateError("FS_NOT_FOUND", `there is no service account "${accountId.slice(0, 40)}"`);
  }
  return row;
}

async function takenSubjects(db: Writer, { orgId }: KeyContext): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("service_accounts")
    .select("subject")
    .where("org_id", "=", orgId)
    .execute();
  return new Set(rows.map(({ subject }) => subject));
}

function readFields(given: ServiceAccountFields): ServiceAccountFields {
  const name = given.name.trim();
  if (name === "" || name.length > 100) throw refused("name takes 1 to 100 characters");
  return {
    ...given,
    name,
    description: readText("description", given.description),
    intendedScope: readText("intendedScope", given.intendedScope),
  };
}

function readText(field: string, given: string | null): string | null {
  const text = given?.trim() ?? "";
  if (text.length > 1000) throw refused(`${field} takes up to 1000 characters`);
  return text === "" ? null : text;
}

function columnsOf({ name, environment, description, intendedScope, abuseDetection }: ServiceAccountFields) {
  return {
    name,
    environment,
    description,
    intended_scope: intendedScope,
    abuse_detection: abuseDetection ? 1n : 0n,
  };
}

function told([column, value]: readonly [string, string | bigint | null]): string {
  if (column === "abuse_detection") return `abuse detection ${value === 1n ? "on" : "off"}`;
  return `${column.replace("_", " ")} ${value === null ? "removed" : `"${value}"`}`;
}

async function refuseTwice(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FlowstateError("FS_CONFLICT", `there is a service account named "${name}" already`);
  }
}

async function audit(
  db: Writer,
  { orgId, actor, now }: KeyContext,
  action: AuditAction,
  target: string,
  detail: string,
): Promise<void> {
  await recordAudit(db, { orgId, at: now, actor, action, target, detail });
}

function refused(sentence: string): FlowstateError {
  return new FlowstateError("FS_INPUT_INVALID", sentence);
}
