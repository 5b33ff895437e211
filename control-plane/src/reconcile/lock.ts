import type { OrgId } from "@flowstate/shared/ids";
import type { Writer } from "../store/open.ts";

/** Makes runs and people's actions in one organisation follow each other, until the transaction ends. */
export async function lockReconciliation(db: Writer, orgId: OrgId): Promise<void> {
  await db
    .insertInto("reconciliation_locks")
    .values({ org_id: orgId })
    .onConflict((on) => on.column("org_id").doUpdateSet({ org_id: orgId }))
    .execute();
}
