import type { OrgId } from "@flowstate/shared/ids";
import { periodOf } from "@flowstate/shared/time";
import { defaultProxyPolicy } from "@flowstate/shared/wire/policy";
import type { ProxySnapshot } from "@flowstate/shared/wire/push";
import { deviceKeys } from "../keys/queries.ts";
import { loadDestinations } from "../policy/push.ts";
import { readQuotas, subjectsOverQuota } from "../proxy-status/quotas.ts";
import type { Reader } from "../store/open.ts";

/**
 * All that a proxy of one organisation needs to decide on its own. The revision is read first: a change that happens
 * meanwhile then shows as a newer revision later, never as a new revision with old contents.
 */
export async function buildSnapshot(
  db: Reader,
  orgId: OrgId,
  pepper: Buffer,
  now: number,
): Promise<ProxySnapshot> {
  const { revision } = await db
    .selectFrom("orgs")
    .select("revision")
    .where("org_id", "=", orgId)
    .executeTakeFirstOrThrow();
  const quotas = await readQuotas(db, orgId);
  const quota = {
    ...defaultProxyPolicy.quota,
    defaultRequests: quotas.everybody === null ? null : Number(quotas.everybody),
  };
  return {
    revision: Number(revision),
    issuedAt: new Date(now).toISOString(),
    pepper: pepper.toString("base64"),
    keys: await deviceKeys(db, orgId, now),
    orgs: [
      {
        orgId,
        policy: { ...defaultProxyPolicy, quota, ...(await loadDestinations(db, orgId, now)) },
        overQuota: await subjectsOverQuota(db, orgId, periodOf(now)),
      },
    ],
  };
}
