import { isFlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, type UsageDate } from "@flowstate/shared/time";
import type { Reader, Store, Writer } from "../store/open.ts";
import type { DayWindow } from "./connector.ts";
import { extendCovered, type Covered } from "./plan.ts";
import type { ProviderTables } from "./tables.ts";

/** One pull of one window as it stands in `sync_runs`. */
export interface Run {
  readonly orgId: OrgId;
  readonly providerId: string;
  readonly syncId: string;
  readonly cause: ProviderTables["sync_runs"]["cause"];
  readonly window: DayWindow;
}

export interface RunCounts {
  /** Lines of the bill that were read. */
  readonly lines: number;
  readonly added: number;
  readonly revised: number;
  readonly withdrawn: number;
}

export const noCounts: RunCounts = { lines: 0, added: 0, revised: 0, withdrawn: 0 };

export function addCounts(a: RunCounts, b: RunCounts): RunCounts {
  return {
    lines: a.lines + b.lines,
    added: a.added + b.added,
    revised: a.revised + b.revised,
    withdrawn: a.withdrawn + b.withdrawn,
  };
}

/** What a pull of a quarter of a year ago came to helps nobody any more. */
const keptRunsMs = 90 * dayMs;

/** A run that a dead process left behind ends with it: whoever begins one holds the lease. */
export async function beginRun(db: Writer, { window, cause, ...run }: Run, now: number): Promise<void> {
  const { orgId: org_id, providerId: provider_id, syncId: sync_id } = run;
  await db
    .updateTable("sync_runs")
    .set({ state: "STOPPED", ended_at: now })
    .where("org_id", "=", org_id)
    .where("provider_id", "=", provider_id)
    .where("state", "=", "RUNNING")
    .execute();
  await db
    .deleteFrom("sync_runs")
    .where("org_id", "=", org_id)
    .where("provider_id", "=", provider_id)
    .where("started_at", "<", now - keptRunsMs)
    .execute();
  await db
    .insertInto("sync_runs")
    .values({
      org_id,
      sync_id,
      provider_id,
      cause,
      from_day: window.from,
      until_day: window.until,
      state: "RUNNING",
      lines: 0n,
      added: 0n,
      revised: 0n,
      withdrawn: 0n,
      started_at: now,
      ended_at: null,
      error: null,
    })
    .execute();
}

export async function noteProgress(
  db: Writer,
  orgId: OrgId,
  syncId: string,
  counts: RunCounts,
): Promise<void> {
  await db
    .updateTable("sync_runs")
    .set({
      lines: BigInt(counts.lines),
      added: BigInt(counts.added),
      revised: BigInt(counts.revised),
      withdrawn: BigInt(counts.withdrawn),
    })
    .where("org_id", "=", orgId)
    .where("sync_id", "=", syncId)
    .execute();
}

/** The window is whole: it counts as covered from now on. */
export async function endRun(db: Writer, run: Run, now: number): Promise<void> {
  const { orgId, providerId, window } = run;
  await close(db, run, { state: "DONE", ended_at: now });
  const { fromDay, untilDay } = extendCovered(await readCovered(db, run), window);
  const covered = { covered_from_day: fromDay, covered_until_day: untilDay };
  await db
    .updateTable("usage_providers")
    .set({ state: "ACTIVE", last_sync_at: now, last_error: null, ...covered })
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .execute();
}

/** What failed is shown with the integration, in the provider's own words; being stopped is no failure. */
export async function failRun(
  store: Store,
  run: Run,
  error: unknown,
  { stopped, now }: { readonly stopped: boolean; readonly now: number },
): Promise<void> {
  const words = stopped ? null : failureWords(error);
  await store.transact(async (db) => {
    await close(db, run, { state: stopped ? "STOPPED" : "FAILED", ended_at: now, error: words });
    if (stopped) return;
    await db
      .updateTable("usage_providers")
      .set({ state: "ERROR", last_error: words })
      .where("org_id", "=", run.orgId)
      .where("provider_id", "=", run.providerId)
      .where("removed_at", "is", null)
      .execute();
  });
}

/** A defect of ours says nothing to an admin; its details are in the log. */
export function failureWords(error: unknown): string {
  return isFlowstateError(error) ? error.message : "something went wrong on our side";
}

/** UTC days that have been pulled whole; null before the first. */
export async function readCovered(
  db: Reader,
  { orgId, providerId }: Pick<Run, "orgId" | "providerId">,
): Promise<Covered | null> {
  const row = await db
    .selectFrom("usage_providers")
    .select(["covered_from_day", "covered_until_day"])
    .where("org_id", "=", orgId)
    .where("provider_id", "=", providerId)
    .executeTakeFirst();
  return coveredOf(row?.covered_from_day ?? null, row?.covered_until_day ?? null);
}

export function coveredOf(fromDay: string | null, untilDay: string | null): Covered | null {
  if (fromDay === null || untilDay === null) return null;
  return { fromDay: fromDay as UsageDate, untilDay: untilDay as UsageDate };
}

async function close(
  db: Writer,
  { orgId, syncId }: Run,
  end: Partial<Pick<ProviderTables["sync_runs"], "state" | "ended_at" | "error">>,
): Promise<void> {
  await db
    .updateTable("sync_runs")
    .set(end)
    .where("org_id", "=", orgId)
    .where("sync_id", "=", syncId)
    .execute();
}
