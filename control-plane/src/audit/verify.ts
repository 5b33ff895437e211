import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";
import { chainStart, followChain, type ChainFault } from "./chain.ts";
import { readAudit } from "./record.ts";

export type AuditVerdict =
  | { readonly intact: true; readonly entries: bigint }
  | { readonly intact: false; readonly sequence: bigint; readonly fault: ChainFault["fault"] };

const pageSize = 5000;

/**
 * Follows an organisation's chain from its first entry and compares the end with the recorded head, so that a changed,
 * missing or cut-off entry shows. Who owns the database can rebuild the whole chain; keep a copy of the newest hash
 * elsewhere to notice that as well.
 */
export async function verifyAudit(db: Reader, orgId: OrgId): Promise<AuditVerdict> {
  const head = await db
    .selectFrom("audit_heads")
    .select(["sequence", "hash"])
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  let point = chainStart;
  for (;;) {
    const page = await readAudit(db, orgId, { after: point.sequence, limit: pageSize });
    const followed = followChain(point, page);
    if (!("point" in followed)) return { intact: false, sequence: followed.sequence, fault: followed.fault };
    point = followed.point;
    if (page.length < pageSize) break;
  }
  const end = head ?? chainStart;
  if (point.sequence < end.sequence)
    return { intact: false, sequence: point.sequence + 1n, fault: "missing" };
  if (point.hash !== end.hash) return { intact: false, sequence: point.sequence, fault: "changed" };
  return { intact: true, entries: point.sequence };
}
