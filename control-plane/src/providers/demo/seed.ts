import type { OrgId } from "@flowstate/shared/ids";
import { addDays, dateOf, dayMs, hourOf, type UsageDate } from "@flowstate/shared/time";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import { ingestMeter } from "../../ingest/meter.ts";
import type { Store, Writer } from "../../store/open.ts";
import { demoCalls, type DemoCall } from "./activity.ts";
import { demoCompany, type DemoCompany } from "./company.ts";
import { uuidFor } from "./random.ts";
import { storeDemoDay } from "./store.ts";

export interface DemoSeed {
  readonly orgId: OrgId;
  readonly seed: number;
  /** Whole UTC days before today. */
  readonly days: number;
  readonly now: number;
}

/**
 * Writes what devices, proxies and a directory would have reported of the demo company: people, calls and meters. All
 * of it is recognisable by `demo` in its identifiers. Running it again adds the days that are new and nothing else.
 */
export async function seedDemo(
  store: Store,
  { orgId, seed, days, now }: DemoSeed,
): Promise<{ readonly calls: number }> {
  const company = demoCompany(seed);
  const today = dateOf(now);
  await store.transact((db) => storeDirectory(db, company, { orgId, now, from: addDays(today, -days) }));
  let calls = 0;
  for (let day = addDays(today, -days); day < today; day = addDays(day, 1)) {
    const observed = demoCalls(company, day).filter((call) => call.observed);
    await store.transact((db) => storeDemoDay(db, store.engine, orgId, observed));
    await ingestMeter(store, {
      orgId,
      keyId: "demo",
      now,
      batch: {
        source: uuidFor("demo proxy", seed),
        batch: uuidFor("demo batch", seed, day),
        rows: [...meterRows(orgId, day, observed)],
      },
    });
    calls += observed.length;
  }
  return { calls };
}

async function storeDirectory(
  db: Writer,
  { teams, projects, people }: DemoCompany,
  { orgId, now, from }: { readonly orgId: OrgId; readonly now: number; readonly from: UsageDate },
): Promise<void> {
  const shared = { org_id: orgId, version: 1n, created_at: now, updated_at: now };
  const kept = { ...shared, external_id: "demo" };
  await db
    .insertInto("teams")
    .values(
      teams.map(({ id, name, parentId, costCentre }) => ({
        ...kept,
        team_id: id,
        name,
        parent_id: parentId,
        cost_centre: costCentre,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  await db
    .insertInto("employees")
    .values(
      people.map(({ id, email, name, title, teamId, managerId }) => ({
        ...kept,
        employee_id: id,
        email,
        name,
        title,
        primary_team_id: teamId,
        manager_id: managerId,
        active: 1n,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  await db
    .insertInto("projects")
    .values(
      projects.map(({ id, name, teamId, marker }) => ({
        ...shared,
        project_id: id,
        name,
        team_id: teamId,
        cost_centre: null,
        marker,
        archived_at: null,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
  await db
    .insertInto("allocations")
    .values(
      people.map(({ id, project, teamId }) => ({
        ...shared,
        allocation_id: `demo-allocation-${id}`,
        employee_id: id,
        project_id: project.id,
        team_id: teamId,
        fte_ppm: 1_000_000n,
        from_day: from,
        until_day: null,
      })),
    )
    .onConflict((on) => on.doNothing())
    .execute();
}

/** A day's rows take numbers of their own, so that a day delivered twice counts once and a later day never shifts one. */
function meterRows(orgId: OrgId, day: UsageDate, calls: readonly DemoCall[]): readonly MeterRow[] {
  const firstSeq = Math.round(Date.parse(`${day}T00:00:00Z`) / dayMs) * 10_000;
  const groups = Map.groupBy(calls, ({ person, tool, at }) =>
    [person.email, tool.host, hourOf(at)].join("|"),
  );
  return [...groups.values()].map((own, index) => {
    const times = own.map(({ at }) => at);
    const [{ person, tool, at }] = own as [DemoCall, ...DemoCall[]];
    const output = own.reduce((sum, { tokens }) => sum + (tokens.output ?? 0), 0);
    const input = own.reduce((sum, { tokens }) => sum + (tokens.input ?? 0) + (tokens.cacheRead ?? 0), 0);
    return {
      seq: firstSeq + index,
      orgId,
      subject: person.email,
      host: tool.host,
      hour: hourOf(at),
      tunnels: Math.max(1, Math.floor(own.length / 3)),
      failedTunnels: 0,
      requests: 0,
      estimatedRequests: own.length,
      estimateMethod: "demo",
      bytesUp: input * 4,
      bytesDown: output * 60,
      firstSeenAt: Math.min(...times),
      lastSeenAt: Math.max(...times),
      sni: { equal: 1 },
      wouldDeny: 0,
    };
  });
}
