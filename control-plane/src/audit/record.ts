import type { OrgId } from "@flowstate/shared/ids";
import type { Reader, Writer } from "../store/open.ts";
import { chainStart, entryHash, type ChainedRecord } from "./chain.ts";

/** What was done, as thing and past participle: `org_key.provisioned`. */
export type AuditAction = `${string}.${string}`;

export interface NewEntry {
  readonly orgId: OrgId;
  readonly at: number;
  readonly actor: string;
  readonly action: AuditAction;
  /** To what or whom; neither this nor `detail` ever holds a secret. */
  readonly target?: string | null;
  readonly detail?: string | null;
}

/** Appends an entry in the transaction of the change that it tells of. Entries of one organisation are numbered in commit order. */
export async function recordAudit(db: Writer, entry: NewEntry): Promise<void> {
  const { orgId, at, actor, action, target = null, detail = null } = entry;
  const head = await lockHead(db, orgId);
  const sequence = head.sequence + 1n;
  const record = { orgId, sequence, at, actor, action, target, detail };
  const hash = entryHash(head.hash, record);
  await db
    .insertInto("audit_log")
    .values({
      org_id: orgId,
      sequence,
      recorded_at: at,
      actor,
      action,
      target,
      detail,
      previous_hash: head.hash,
      hash,
    })
    .execute();
  await db.updateTable("audit_heads").set({ sequence, hash }).where("org_id", "=", orgId).execute();
}

/** The update that changes nothing holds the row until the transaction ends. */
async function lockHead(db: Writer, orgId: OrgId): Promise<{ sequence: bigint; hash: string }> {
  return db
    .insertInto("audit_heads")
    .values({ org_id: orgId, ...chainStart })
    .onConflict((on) => on.column("org_id").doUpdateSet((row) => ({ hash: row.ref("audit_heads.hash") })))
    .returning(["sequence", "hash"])
    .executeTakeFirstOrThrow();
}

/** The newest entries first, or the entries after a sequence in order. */
export async function readAudit(
  db: Reader,
  orgId: OrgId,
  range: { readonly newest: number } | { readonly after: bigint; readonly limit: number },
): Promise<readonly ChainedRecord[]> {
  const entries = db.selectFrom("audit_log").selectAll().where("org_id", "=", orgId);
  const rows = await (
    "newest" in range
      ? entries.orderBy("sequence", "desc").limit(range.newest)
      : entries.where("sequence", ">", range.after).orderBy("sequence").limit(range.limit)
  ).execute();
  return rows.map((row) => ({
    orgId: row.org_id,
    sequence: row.sequence,
    at: row.recorded_at,
    actor: row.actor,
    action: row.action,
    target: row.target,
    detail: row.detail,
    previousHash: row.previous_hash,
    hash: row.hash,
  }));
}
