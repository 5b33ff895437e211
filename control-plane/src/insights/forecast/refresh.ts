import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Clock } from "@flowstate/shared/clock";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { addDays, addMonths, dayMs, periodOf, type Period } from "@flowstate/shared/time";
import { jsonRows, type ColumnType } from "../../store/json-rows.ts";
import {
  leaseJobNamed,
  releaseJob,
  renewLease,
  scheduleJob,
  type Job,
  type Lease,
} from "../../store/jobs.ts";
import type { Store } from "../../store/open.ts";
import { rebuildUsageMonth } from "../usage-months.ts";
import { loadForecastFacts } from "./load.ts";
import { forecastOrganisation, type NodeForecast, type OrganisationForecast } from "./organisation.ts";
import { printPoints } from "./stored.ts";

/** The job that makes an organisation's forecasts each night. */
export const forecastJob = "forecast";

const leaseMs = 600_000;
/** Past forecasts stay so long, to be compared with what came. */
const keptDays = 400;

export interface RefreshServices {
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * Makes the forecasts of today. By itself it sums the months anew that late reports may still change; `everything` sums
 * all of them. Throws FS_CONFLICT while another one is being made.
 */
export async function refreshForecasts(
  services: RefreshServices,
  orgId: OrgId,
  { everything = false }: { readonly everything?: boolean } = {},
): Promise<OrganisationForecast> {
  const { store, clock } = services;
  const owner = randomUUID();
  const job = await store.transact(async (db) => {
    const lease = { owner, now: clock.now(), leaseMs };
    const taken = await leaseJobNamed(db, orgId, forecastJob, lease);
    if (taken !== null) return taken;
    if (await isScheduled(db, orgId)) return null;
    await scheduleJob(db, orgId, forecastJob, nextNight(clock.now()));
    return leaseJobNamed(db, orgId, forecastJob, lease);
  });
  if (job === null)
    throw new FlowstateError("FS_CONFLICT", "the forecasts are being made already; ask for them in a minute");
  return makeForecasts(services, job, owner, everything);
}

/** Makes them under a lease that is held, and gives the lease back. */
export async function makeForecasts(
  { store, clock }: RefreshServices,
  job: Job,
  owner: string,
  everything: boolean,
): Promise<OrganisationForecast> {
  const { orgId } = job;
  try {
    const leaseNow = (): Lease => ({ owner, now: clock.now(), leaseMs });
    for (const period of await monthsToSum(store, orgId, clock.now(), everything)) {
      await rebuildUsageMonth(store, orgId, period);
      await store.transact((db) => renewLease(db, job, leaseNow()));
    }
    const made = await forecastOrganisation(await loadForecastFacts(store.reader, orgId, clock.now()));
    await storeForecasts(store, job, leaseNow(), made);
    await store.transact((db) => releaseJob(db, job, owner, { dueAt: nextNight(clock.now()), error: null }));
    return made;
  } catch (error) {
    const dueAt = clock.now() + retryMs;
    await store.transact((db) => releaseJob(db, job, owner, { dueAt, error: String(error) }));
    throw error;
  }
}

const retryMs = 600_000;
const nightHour = 2;

/** The next 02:00 UTC: days end at midnight, and devices need a while to report. */
export function nextNight(now: number): number {
  const tonight = Math.floor(now / dayMs) * dayMs + nightHour * 3_600_000;
  return tonight > now ? tonight : tonight + dayMs;
}

async function isScheduled(
  db: Parameters<Parameters<Store["transact"]>[0]>[0],
  orgId: OrgId,
): Promise<boolean> {
  const row = await db
    .selectFrom("jobs")
    .select("name")
    .where("org_id", "=", orgId)
    .where("name", "=", forecastJob)
    .executeTakeFirst();
  return row !== undefined;
}

/** The current month and the one before it, or all since the first call; those that have no sums yet are among them. */
async function monthsToSum(
  { reader }: Store,
  orgId: OrgId,
  now: number,
  everything: boolean,
): Promise<readonly Period[]> {
  const first = await reader
    .selectFrom("usage_hours")
    .select(sql<bigint | number | null>`min(hour)`.as("at"))
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  const summed = await reader
    .selectFrom("usage_months")
    .select("period")
    .distinct()
    .where("org_id", "=", orgId)
    .execute();
  const current = periodOf(now);
  const known = new Set(summed.map(({ period }) => period));
  // Months without calls any more still hold sums.
  const months = new Set<Period>(everything ? summed.map(({ period }) => period as Period) : []);
  const start = first?.at == null ? current : periodOf(Number(first.at));
  for (let period = start; period <= current; period = addMonths(period, 1)) {
    if (everything || !known.has(period) || period >= addMonths(current, -1)) months.add(period);
  }
  return [...months].sort();
}

const columns = {
  kind: "text",
  node_id: "text",
  rationale: "text",
  confidence: "text",
  method: "text",
  headcount: "integer",
  fte_ppm: "integer",
  allocated_until: "text",
  actual_30d_nano_usd: "integer",
  backtest_mase_ppm: "integer",
  actuals: "text",
  points: "text",
} as const satisfies Record<string, ColumnType>;

/** All of a day's forecasts or none, and only while the lease is held. */
async function storeForecasts(
  { transact, engine }: Store,
  job: Job,
  lease: Lease,
  made: OrganisationForecast,
): Promise<void> {
  const { orgId } = job;
  const asOf = made.today;
  await transact(async (db) => {
    if (!(await renewLease(db, job, lease))) return;
    for (const table of ["forecasts", "forecast_runs"] as const) {
      await db
        .deleteFrom(table)
        .where("org_id", "=", orgId)
        .where((where) =>
          where.or([where("as_of", "=", asOf), where("as_of", "<", addDays(asOf, -keptDays))]),
        )
        .execute();
    }
    const run = {
      org_id: orgId,
      as_of: asOf,
      made_at: lease.now,
      people: BigInt(made.people),
      covered_80_ppm: ppm(made.covered80),
      covered_95_ppm: ppm(made.covered95),
      own_bands: made.ownBands ? 1n : 0n,
    };
    await db.insertInto("forecast_runs").values(run).execute();
    const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
    await sql`INSERT INTO forecasts (org_id, as_of, ${list})
      SELECT ${orgId}, ${asOf}, ${list} FROM ${jsonRows(engine, columns, made.nodes.map(valuesOf))} AS made`.execute(
      db,
    );
  });
}

function valuesOf(one: NodeForecast): readonly (string | bigint | null)[] {
  return [
    one.node.kind,
    one.node.id ?? "",
    one.rationale,
    one.confidence,
    one.method,
    BigInt(one.headcount),
    one.ftePpm,
    one.allocatedUntil,
    one.actual30d,
    ppm(one.backtestMase),
    printPoints(one.actuals),
    printPoints(one.points),
  ];
}

function ppm(share: number | null): bigint | null {
  return share === null ? null : BigInt(Math.round(share * 1_000_000));
}
