/** Forecasts from real hours on both engines, and as GraphQL answers them. */
import test from "ava";
import type { OrgId } from "@flowstate/shared/ids";
import { until } from "@flowstate/shared/testing/until";
import { hourOf, type Period, type UsageDate } from "@flowstate/shared/time";
import { refreshForecasts, nextNight } from "../src/insights/forecast/refresh.ts";
import { loadForecastRun, loadForecasts } from "../src/insights/forecast/stored.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { hurriedClock } from "./support/clock.ts";
import { startRunning } from "./support/running.ts";

const usd = 1_000_000_000n;
const today = Date.UTC(2026, 10, 20, 12);

interface Use {
  readonly subject: string;
  readonly day: string;
  readonly cost: bigint;
  readonly project?: string;
  readonly billing?: "metered" | "plan" | "unknown";
}

async function use(store: Store, orgId: OrgId, uses: readonly Use[]): Promise<void> {
  const rows = uses.map(({ subject, day, cost, project = "", billing = "metered" }, index) => ({
    org_id: orgId,
    hour: hourOf(Date.parse(day)) + (index % 24) * 3_600_000,
    subject,
    provider: "anthropic",
    tool: "t",
    model: `m${index}`,
    project,
    billing,
    input_tokens: 10n,
    output_tokens: 5n,
    cache_read_tokens: 0n,
    cache_write_5m_tokens: 0n,
    cache_write_1h_tokens: 0n,
    reasoning_tokens: 0n,
    calls: 1n,
    cost_nano_usd: cost,
    uncosted_calls: 0n,
    estimated_calls: 0n,
  }));
  await store.transact((db) => db.insertInto("usage_hours").values(rows).execute());
}

async function staff(store: Store, orgId: OrgId): Promise<void> {
  const kept = { org_id: orgId, external_id: null, version: 1n, created_at: today, updated_at: today };
  const person = (name: string, team: string | null) => ({
    ...kept,
    employee_id: name,
    email: `${name}@example.com`,
    name,
    title: null,
    primary_team_id: team,
    manager_id: null,
    active: 1n,
  });
  await store.transact(async (db) => {
    await db
      .insertInto("teams")
      .values({ ...kept, team_id: "web", name: "Web", parent_id: null, cost_centre: null })
      .execute();
    await db
      .insertInto("projects")
      .values({
        org_id: orgId,
        version: 1n,
        created_at: today,
        updated_at: today,
        project_id: "api",
        name: "API",
        team_id: null,
        cost_centre: null,
        marker: "github.com/acme/api",
        archived_at: null,
      })
      .execute();
    await db
      .insertInto("employees")
      .values([person("ada", "web"), person("bob", null)])
      .execute();
    await db
      .insertInto("identities")
      .values({
        org_id: orgId,
        provider: "",
        kind: "email",
        value: "countess@example.com",
        employee_id: "ada",
        email: null,
        label: null,
        source: "admin",
        updated_at: today,
      })
      .execute();
    await db
      .insertInto("allocations")
      .values({
        org_id: orgId,
        allocation_id: "a1",
        employee_id: "ada",
        project_id: "api",
        team_id: null,
        fte_ppm: 500_000n,
        from_day: "2026-01-01",
        until_day: null,
        version: 1n,
        created_at: today,
        updated_at: today,
      })
      .execute();
  });
}

/** Ten months in which two people cost the same each month: Ada 30 dollars under two addresses, Bob 10. */
function steadyUses(): readonly Use[] {
  return Array.from({ length: 11 }, (_, month) => `2026-${String(month + 1).padStart(2, "0")}`).flatMap(
    (month) => [
      { subject: "ada@example.com", day: `${month}-10`, cost: 20n * usd },
      { subject: "countess@example.com", day: `${month}-12`, cost: 10n * usd },
      { subject: "bob@example.com", day: `${month}-11`, cost: 10n * usd, project: "github.com/acme/api" },
      { subject: "bob@example.com", day: `${month}-11`, cost: 99n * usd, billing: "plan" as const },
    ],
  );
}

testOnBothEngines(
  "what was paid by the call is forecast for projects, teams and the whole",
  async (t, opened) => {
    const { store, orgId } = opened;
    const clock = hurriedClock(today);
    await staff(store, orgId);
    await use(store, orgId, steadyUses());
    await refreshForecasts({ store, clock }, orgId, { everything: true });
    const [whole] = await loadForecasts(store.reader, orgId, "organisation");
    const projects = await loadForecasts(store.reader, orgId, "project");
    const teams = await loadForecasts(store.reader, orgId, "team");
    t.is(whole?.actuals.length, 10);
    t.true(whole?.actuals.every(({ nanoUsd }) => nanoUsd === 40n * usd));
    t.is(whole?.actual30d, 40n * usd);
    t.is(whole?.points.length, 7);
    t.like(whole?.points[0], { period: "2026-11" as Period });
    t.is(whole?.method, "simple smoothing");
    for (const [parts, ids] of [
      [projects, ["api"]],
      [teams, ["web", null]],
    ] as const) {
      t.deepEqual(
        parts.map(({ id }) => id),
        ids,
      );
      for (const [step, point] of (whole?.points ?? []).entries()) {
        t.is(
          parts.reduce((sum, { points }) => sum + (points[step]?.expected ?? 0n), 0n),
          point.expected,
        );
      }
    }
    t.is(projects[0]?.name, "API");
    t.is(projects[0]?.headcount, 1);
    t.is(projects[0]?.fte, 0.5);
    const run = await loadForecastRun(store.reader, orgId);
    t.is(run?.asOf, "2026-11-20" as UsageDate);
    t.is(run?.people, 2);
  },
);

testOnBothEngines(
  "a refresh takes late reports in, a night also those of long ago",
  async (t, { store, orgId }) => {
    const clock = hurriedClock(today);
    const services = { store, clock };
    await use(store, orgId, [{ subject: "ada@example.com", day: "2026-06-10", cost: usd }]);
    await refreshForecasts(services, orgId);
    const june = async () =>
      (await loadForecasts(store.reader, orgId, "organisation"))[0]?.actuals[0]?.nanoUsd;
    t.is(await june(), usd, "months that were never summed are summed at once");
    await use(store, orgId, [
      { subject: "bob@example.com", day: "2026-06-11", cost: usd },
      { subject: "bob@example.com", day: "2026-10-11", cost: usd },
    ]);
    await refreshForecasts(services, orgId);
    t.is(await june(), usd);
    t.is((await loadForecasts(store.reader, orgId, "organisation"))[0]?.actuals.at(-1)?.nanoUsd, usd);
    await refreshForecasts(services, orgId, { everything: true });
    t.is(await june(), 2n * usd);
    await store.transact((db) => db.deleteFrom("usage_hours").where("org_id", "=", orgId).execute());
    await refreshForecasts(services, orgId, { everything: true });
    t.is(await june(), undefined, "what was taken out is forgotten");
  },
);

testOnBothEngines("forecasts are made by one at a time", async (t, { store, orgId }) => {
  const services = { store, clock: hurriedClock(today) };
  const both = await Promise.allSettled([
    refreshForecasts(services, orgId),
    refreshForecasts(services, orgId),
  ]);
  const refused = both.filter(({ status }) => status === "rejected");
  t.is(refused.length, 1);
  t.like(refused[0], { reason: { code: "FS_CONFLICT" } });
  await refreshForecasts(services, orgId);
});

for (const [now, expected] of [
  ["2026-11-20T01:59:59.999Z", "2026-11-20T02:00:00.000Z"],
  ["2026-11-20T02:00:00.000Z", "2026-11-21T02:00:00.000Z"],
] as const) {
  test(`the night after ${now}`, (t) => {
    t.is(new Date(nextNight(Date.parse(now))).toISOString(), expected);
  });
}

test("GraphQL answers them by itself after the start, and anew when asked", async (t) => {
  await using running = await startRunning();
  const key = await running.apiKey("AI_INSIGHTS_VIEW");
  const { orgId } = running.context;
  const { store } = running.installation;
  await until(
    "the first forecasts",
    async () => (await running.graphql(key, "{ aiForecastRun { people } }")).data["aiForecastRun"] !== null,
  );
  const lastMonth = new Date();
  lastMonth.setUTCDate(0);
  await use(store, orgId, [
    { subject: "ada@example.com", day: lastMonth.toISOString().slice(0, 10), cost: 7n * usd },
  ]);
  await until(
    "a refresh",
    async () => !(await running.graphql(key, "mutation { refreshForecasts }")).codes.includes("FS_CONFLICT"),
  );
  const answer = await running.graphql(
    key,
    `query ($id: ID!) {
      aiForecastMonthlySeries(organizationId: $id, monthsAhead: 2) { period actualUsd expectedUsd lowUsd highUsd }
      aiProjectForecasts(organizationId: $id) { projectId project confidence points { period expectedUsd } }
      aiTeamForecasts(organizationId: $id) { teamId team rationale currentMonth { period } }
      aiForecastRun { asOf people backtestMase covered80 ownBands }
    }`,
    { id: orgId },
  );
  t.deepEqual(answer.messages, []);
  const series = answer.data["aiForecastMonthlySeries"] as readonly Record<string, unknown>[];
  t.is(series.length, 4);
  t.like(series[0], { actualUsd: "7.00", expectedUsd: null });
  t.is(series[1]?.["actualUsd"], null);
  t.like((answer.data["aiProjectForecasts"] as unknown[])[0], {
    projectId: "unassigned",
    project: "(no project)",
    confidence: "LOW",
  });
  t.like((answer.data["aiTeamForecasts"] as unknown[])[0], { teamId: "unassigned", team: "(no team)" });
  t.like(answer.data["aiForecastRun"], { people: 1, ownBands: false });
  const refusals = [
    ['{ aiTeamForecasts(organizationId: "another") { team } }', "FS_NOT_FOUND"],
    [
      `{ aiForecastMonthlySeries(organizationId: "${orgId}", monthsAhead: 7) { period } }`,
      "FS_INPUT_INVALID",
    ],
    [
      `{ aiForecastMonthlySeries(organizationId: "${orgId}", monthsBack: -1) { period } }`,
      "FS_INPUT_INVALID",
    ],
  ] as const;
  for (const [query, code] of refusals) t.deepEqual((await running.graphql(key, query)).codes, [code]);
});
