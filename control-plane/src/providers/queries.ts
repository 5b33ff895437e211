import type { OrgId } from "@flowstate/shared/ids";
import type { UsageDate } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import type { ProviderTables } from "./tables.ts";

/** One pull of one window, as people see it. */
export interface SyncRun {
  readonly syncId: string;
  readonly cause: ProviderTables["sync_runs"]["cause"];
  readonly from: UsageDate;
  readonly to: UsageDate;
  readonly state: ProviderTables["sync_runs"]["state"];
  readonly lines: bigint;
  readonly added: bigint;
  readonly revised: bigint;
  readonly withdrawn: bigint;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly error: string | null;
}

/** Pulls of a provider, the newest first; a running one shows how far it has come. */
export async function listRuns(
  db: Reader,
  orgId: OrgId,
  providerId: string,
  limit: number,
): Promise<readonly SyncRun[]> {
  const rows = await db
    .selectFrom("sync_runs")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .orderBy("started_at", "desc")
    .orderBy("sync_id", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    syncId: row.sync_id,
    cause: row.cause,
    from: row.from_day as UsageDate,
    to: row.until_day as UsageDate,
    state: row.state,
    lines: row.lines,
    added: row.added,
    revised: row.revised,
    withdrawn: row.withdrawn,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    error: row.error,
  }));
}
