import type { Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import { dateOf, dayMs, hourMs } from "@flowstate/shared/time";
import { loadAliases } from "../directory/aliases.ts";
import type { Reader, Store, Writer } from "../store/open.ts";
import { daysBetween } from "./days.ts";
import { detectors } from "./detectors.ts";
import type { Finding, Scope } from "./finding.ts";
import { rebuildPersonDay } from "./person-days.ts";
import { storeFindings } from "./store-findings.ts";

/** Days that a run after a change looks at: today and the day before. */
const soonDays = 2;
/** Days that the nightly run goes through, for what devices report late. */
const wholeDays = 35;
/** What those days are compared with. */
const baselineDays = 28;
/** Days end at midnight, and devices need a while to report. */
const nightHour = 2;

export interface RunServices {
  readonly store: Store;
  readonly clock: Clock;
}

export interface SignalRun {
  /** Whether it went through all days, or through the last two. */
  readonly whole: boolean;
  readonly found: number;
  readonly added: number;
  readonly held: number;
}

/**
 * Runs the detectors over an organisation's data and stores what they find: those of cadence "soon" each time, all of
 * them over all days once a night. The same data gives the same signals, however often it runs.
 */
export async function runDetectors(
  { store, clock }: RunServices,
  orgId: OrgId,
  { whole = null }: { readonly whole?: boolean | null } = {},
): Promise<SignalRun> {
  const now = clock.now();
  const isWhole = whole ?? (await isNight(store.reader, orgId, now));
  const today = Math.floor(now / dayMs) * dayMs;
  const from = today - ((isWhole ? wholeDays : soonDays) - 1) * dayMs;
  await sumDays(store, orgId, { from: isWhole ? from - baselineDays * dayMs : from, to: now });
  const scope = await openScope(store.reader, orgId, { from, to: today + dayMs, now });
  const findings: Finding[] = [];
  for (const { cadence, find } of detectors) {
    if (cadence === "soon" || isWhole) findings.push(...(await find(scope)));
  }
  return store.transact(async (db) => {
    const { added, held } = await storeFindings(db, orgId, findings, now);
    const run = {
      ran_at: now,
      found: BigInt(findings.length),
      added: BigInt(added),
      held: BigInt(held),
      ...(isWhole ? { whole_day: nightOf(now) } : {}),
    };
    await db
      .insertInto("signal_runs")
      .values({ org_id: orgId, whole_day: "", ...run })
      .onConflict((on) => on.column("org_id").doUpdateSet(run))
      .execute();
    return { whole: isWhole, found: findings.length, added, held };
  });
}

/** Has the next run go through all days: older ones have been filled in, and nobody is to wait for the night. */
export async function lookBackNext(db: Writer, orgId: OrgId): Promise<void> {
  await db.updateTable("signal_runs").set({ whole_day: "" }).where("org_id", "=", orgId).execute();
}

/** Whether tonight's run over all days is still to come. */
async function isNight(db: Reader, orgId: OrgId, now: number): Promise<boolean> {
  const row = await db
    .selectFrom("signal_runs")
    .select("whole_day")
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  return row === undefined || row.whole_day < nightOf(now);
}

/** A night belongs to the day on which it ends. */
function nightOf(now: number): string {
  return dateOf(now - nightHour * hourMs);
}

async function sumDays(
  store: Store,
  orgId: OrgId,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const first = await store.reader
    .selectFrom("usage_hours")
    .select("hour")
    .where("org_id", "=", orgId)
    .orderBy("hour")
    .limit(1)
    .executeTakeFirst();
  const since = Math.max(from, first?.hour ?? to);
  for (const { date } of daysBetween(since, to)) await rebuildPersonDay(store, orgId, date);
}

async function openScope(
  db: Reader,
  orgId: OrgId,
  window: Pick<Scope, "from" | "to" | "now">,
): Promise<Scope> {
  const aliases = await loadAliases(db, orgId);
  const names = Map.groupBy(aliases, ([, person]) => person);
  return {
    db,
    orgId,
    ...window,
    personOf: (subject) => aliases.get(subject) ?? subject,
    namesOf: (person) => [person, ...(names.get(person) ?? []).map(([name]) => name)],
  };
}
