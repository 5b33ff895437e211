import { FlowstateError } from "@flowstate/shared/errors";
import { newOrgId, orgId, type OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../audit/record.ts";
import { isUniqueViolation, type Reader, type Writer } from "../store/open.ts";

export interface Org {
  readonly orgId: OrgId;
  readonly slug: string;
}

export async function createOrg(
  db: Writer,
  { orgId, slug, now }: { readonly orgId: OrgId; readonly slug: string; readonly now: number },
): Promise<void> {
  try {
    await db.insertInto("orgs").values({ org_id: orgId, slug, revision: 1n, created_at: now }).execute();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FlowstateError("FS_CONFLICT", `there is an organisation "${slug}" already`);
  }
}

/** A new organisation with the first entry of its audit log. */
export async function foundOrg(
  db: Writer,
  { slug, actor, now }: { readonly slug: string; readonly actor: string; readonly now: number },
): Promise<OrgId> {
  const orgId = newOrgId();
  await createOrg(db, { orgId, slug, now });
  await recordAudit(db, { orgId, at: now, actor, action: "org.created", target: slug });
  return orgId;
}

/** The organisation of that short name. Throws FS_NOT_FOUND. */
export async function requireOrg(db: Reader, slug: string): Promise<Org> {
  const row = await db
    .selectFrom("orgs")
    .select(["org_id", "slug"])
    .where("slug", "=", slug)
    .executeTakeFirst();
  if (row === undefined) throw new FlowstateError("FS_NOT_FOUND", `there is no organisation "${slug}"`);
  return { orgId: orgId(row.org_id), slug: row.slug };
}

export async function listOrgs(db: Reader): Promise<readonly Org[]> {
  const rows = await db.selectFrom("orgs").select(["org_id", "slug"]).orderBy("slug").execute();
  return rows.map((row) => ({ orgId: orgId(row.org_id), slug: row.slug }));
}

/** Tells every proxy of the organisation that its snapshot changed, in the transaction of the change itself. */
export async function raiseRevision(db: Writer, orgId: OrgId): Promise<void> {
  await db
    .updateTable("orgs")
    .set((row) => ({ revision: row("revision", "+", 1n) }))
    .where("org_id", "=", orgId)
    .execute();
}

/** The revision of every organisation, by identifier. */
export async function readRevisions(db: Reader): Promise<ReadonlyMap<OrgId, number>> {
  const rows = await db.selectFrom("orgs").select(["org_id", "revision"]).execute();
  return new Map(rows.map((row) => [orgId(row.org_id), Number(row.revision)]));
}
