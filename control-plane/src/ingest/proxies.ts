import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import type { RefusalReason } from "@flowstate/shared/wire/meter";
import { countMissing, readRanges } from "./ranges.ts";
import { listKeys, type KeyListing } from "../keys/queries.ts";
import type { Reader } from "../store/open.ts";

/** A proxy as the organisation knows it. */
export interface EnrolledProxy {
  readonly key: KeyListing;
  /** Null before its first report. */
  readonly lastReportedAt: number | null;
  /** Meter rows that it numbered and that never came. */
  readonly missingRows: number;
}

/** Every proxy that was enrolled, the newest first, revoked ones included. */
export async function listProxies(db: Reader, orgId: OrgId): Promise<readonly EnrolledProxy[]> {
  const keys = await listKeys(db, orgId, "enrolment");
  const sources = await db
    .selectFrom("meter_sources")
    .select(["key_id", "received", "last_reported_at"])
    .where("org_id", "=", orgId)
    .execute();
  return keys.map((key) => {
    const own = sources.filter(({ key_id }) => key_id === key.keyId);
    const last = Math.max(...own.map((source) => source.last_reported_at));
    return {
      key,
      lastReportedAt: own.length === 0 ? null : last,
      missingRows: own.reduce((sum, { received }) => sum + countMissing(readRanges(received)), 0),
    };
  });
}

export interface RefusedCredentials {
  readonly reason: RefusalReason;
  readonly count: bigint;
}

/** Credentials that proxies refused in a month, by reason, the most frequent first. */
export async function readRefusals(
  db: Reader,
  orgId: OrgId,
  period: Period,
): Promise<readonly RefusedCredentials[]> {
  const rows = await db
    .selectFrom("refused_credentials")
    .select(["reason", "refusals"])
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .orderBy("refusals", "desc")
    .orderBy("reason")
    .execute();
  return rows.map(({ reason, refusals }) => ({ reason, count: refusals }));
}
