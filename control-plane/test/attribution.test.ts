/** Who and what causes the spend, from real rows on both engines, and as GraphQL answers it. */
import fc from "fast-check";
import test from "ava";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs, hourOf, type UsageDate } from "@flowstate/shared/time";
import { loadPeopleOf } from "../src/billing/batch.ts";
import { writeLines } from "../src/billing/lines.ts";
import {
  attribute,
  dimensions,
  type Attribution,
  type Dimension,
  type Drill,
} from "../src/insights/attribution/attribute.ts";
import { measures, type AttributionFacts, type Measures } from "../src/insights/attribution/facts.ts";
import { loadAttributionFacts } from "../src/insights/attribution/load.ts";
import { billLine } from "../src/providers/connector.ts";
import type { Store } from "../src/store/open.ts";
import { spendByPerson } from "../src/usage-queries/answers.ts";
import { loadUsageFacts } from "../src/usage-queries/facts.ts";
import { readWindow } from "../src/usage-queries/window.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { sumHours } from "./support/usage-sums.ts";
import { startRunning } from "./support/running.ts";

const now = Date.UTC(2026, 10, 20, 12);
const window = readWindow({}, now);
const usd = 1_000_000_000n;

interface Use {
  readonly subject: string;
  readonly cost: bigint;
  readonly model?: string;
  readonly project?: string;
  readonly system?: string;
  readonly billing?: "metered" | "plan";
}

async function use(store: Store, orgId: OrgId, at: number, uses: readonly Use[]): Promise<void> {
  const tokens = {
    input_tokens: 10n,
    output_tokens: 5n,
    cache_read_tokens: 3n,
    cache_write_5m_tokens: 2n,
    cache_write_1h_tokens: 1n,
    reasoning_tokens: 4n,
  };
  await store.transact(async (db) => {
    for (const [index, given] of uses.entries()) {
      const {
        subject,
        cost,
        model = "opus",
        project = "",
        system = "anthropic",
        billing = "metered",
      } = given;
      const sums = { ...tokens, calls: 2n, cost_nano_usd: cost, uncosted_calls: 0n, estimated_calls: 0n };
      const hour = hourOf(at) - index * 3_600_000;
      await db
        .insertInto("usage_hours")
        .values({
          org_id: orgId,
          hour,
          subject,
          provider: system,
          tool: "t",
          model,
          project,
          billing,
          ...sums,
        })
        .execute();
      await db
        .insertInto("sessions")
        .values({
          org_id: orgId,
          session_id: `${subject}-${index}`,
          subject,
          provider: system,
          tool: "t",
          project: project === "" ? null : project,
          models: JSON.stringify([model]),
          started_at: hour,
          ended_at: hour,
          ...sums,
        })
        .execute();
    }
  });
  await sumHours(store);
}

async function bill(
  store: Store,
  orgId: OrgId,
  amount: string,
  email: string | null,
  flat = false,
): Promise<void> {
  const { line } = billLine({
    feed: "f",
    key: `${amount}|${email}|${flat}`,
    service: "anthropic-api",
    identity: email === null ? { kind: "org", value: null } : { kind: "email", value: email },
    day: window.endDate,
    description: "a line",
    amount: { text: amount, currency: "USD" },
    record: null,
    ...(flat ? ({ chargeFrequency: "Recurring" } as const) : {}),
  });
  const kind = "ANTHROPIC" as const;
  const source = { orgId, providerId: "p", kind, importId: null, seenAt: now, now, rates: new Map() };
  const people = await loadPeopleOf(store.reader, orgId, kind);
  await store.transact((db) => writeLines(db, store.engine, { ...source, people }, [line]));
}

async function staff(store: Store, orgId: OrgId): Promise<void> {
  const kept = { org_id: orgId, version: 1n, created_at: now, updated_at: now };
  const person = (name: string, team: string | null) => ({
    ...kept,
    external_id: null,
    employee_id: name,
    email: `${name}@example.com`,
    name: name.toUpperCase(),
    title: null,
    primary_team_id: team,
    manager_id: null,
    active: 1n,
  });
  const team = (id: string, parent: string | null, centre: string | null) => ({
    ...kept,
    external_id: null,
    team_id: id,
    name: `Team ${id}`,
    parent_id: parent,
    cost_centre: centre,
  });
  const project = (id: string, centre: string | null) => ({
    ...kept,
    project_id: id,
    name: `Project ${id}`,
    team_id: null,
    cost_centre: centre,
    marker: `github.com/acme/${id}`,
    archived_at: null,
  });
  const half = { ...kept, employee_id: "bob", fte_ppm: 500_000n, from_day: "2026-01-01", until_day: null };
  await store.transact(async (db) => {
    await db
      .insertInto("teams")
      .values([team("all", null, "CC1"), team("web", "all", null)])
      .execute();
    await db
      .insertInto("teams")
      .values(team("ops", null, "CC2"))
      .execute();
    await db
      .insertInto("projects")
      .values([project("api", null), project("lab", "CC9")])
      .execute();
    await db
      .insertInto("employees")
      .values([person("ada", "web"), person("bob", "web"), person("cyd", null)])
      .execute();
    await db
      .insertInto("allocations")
      .values([
        { ...half, allocation_id: "1", project_id: "api", team_id: "web" },
        { ...half, allocation_id: "2", project_id: "lab", team_id: "ops" },
      ])
      .execute();
  });
}

function print({ rows }: Attribution): readonly string[] {
  const money = (amount: bigint) => String(Number(amount) / Number(usd));
  return rows.map((row) =>
    [
      row.key,
      money(row.paid),
      money(row.listPrice),
      row.hasBill ? `${money(row.billedUsage)}+${money(row.billedFlat)}` : "-",
      row.sessions,
      row.people,
    ].join(" "),
  );
}

testOnBothEngines("spend by each dimension, observed beside billed", async (t, { store, orgId }) => {
  await staff(store, orgId);
  await use(store, orgId, now - dayMs, [
    { subject: "ada@example.com", cost: 6n * usd, project: "github.com/acme/api" },
    { subject: "ada@example.com", cost: 9n * usd, model: "haiku", billing: "plan" },
    { subject: "bob@example.com", cost: 4n * usd, model: "haiku" },
    { subject: "eve@elsewhere.example", cost: usd, system: "openai", model: "gpt", project: "unheard.of" },
  ]);
  await bill(store, orgId, "10", "ada@example.com");
  await bill(store, orgId, "20", "ada@example.com", true);
  await bill(store, orgId, "2", null);
  const facts = await loadAttributionFacts(store.reader, orgId, window);
  // Key, paid, list price, billed by the call + flat, sessions, people.
  const expected: readonly (readonly [Dimension, Drill, readonly string[]])[] = [
    [
      "PERSON",
      {},
      ["ada@example.com 6 15 10+20 2 1", "bob@example.com 4 4 2+0 1 1", "eve@elsewhere.example 1 1 - 1 1"],
    ],
    ["TEAM", {}, ["web 8 17 11+20 3 2", "ops 2 2 1+0 0 1", "unassigned 1 1 - 1 1"]],
    ["COST_CENTRE", {}, ["CC1 8 17 11+20 3 2", "CC9 2 2 1+0 0 1", "unassigned 1 1 - 1 1"]],
    ["PROJECT", {}, ["unassigned 1 10 6+12 2 2", "api 8 8 5+8 2 2", "lab 2 2 1+0 0 1"]],
    ["SERVICE", {}, ["anthropic 10 19 12+20 3 2", "openai 1 1 - 1 1"]],
    ["MODEL", {}, ["haiku 4 13 8+12 2 2", "opus 6 6 4+8 1 1", "gpt 1 1 - 1 1"]],
    ["PERSON", { TEAM: "web" }, ["ada@example.com 6 15 10+20 2 1", "bob@example.com 2 2 1+0 1 1"]],
    ["MODEL", { COST_CENTRE: "CC1", PERSON: "ada@example.com" }, ["haiku 0 9 6+12 1 1", "opus 6 6 4+8 1 1"]],
    ["PERSON", { TEAM: "unassigned" }, ["eve@elsewhere.example 1 1 - 1 1"]],
    ["PERSON", { TEAM: "nowhere" }, []],
  ];
  for (const [by, drill, rows] of expected) {
    const answer = attribute(facts, by, drill, "INCREMENTAL");
    if (by === "TEAM" || by === "COST_CENTRE" || by === "PROJECT")
      t.deepEqual([...print(answer)].sort(), [...rows].sort(), by);
    else t.deepEqual(print(answer), rows, `${by} ${JSON.stringify(drill)}`);
  }
  const { headcount, seen, unresolved, rows } = attribute(facts, "TEAM", {}, "MARKET");
  t.deepEqual([headcount, seen, unresolved], [3, 2, 1]);
  const programs = facts.observed.map((cell) => ({ ...cell, subject: "service-account:deploy-bot" }));
  const ofPrograms = attribute({ ...facts, observed: programs }, "PERSON", {}, "MARKET");
  t.deepEqual(
    [ofPrograms.seen, ofPrograms.unresolved, ofPrograms.total.people],
    [0, 0, 0],
    "a service account is no person",
  );
  t.deepEqual(rows.map(({ label }) => label).sort(), ["(no team)", "Team ops", "Team web"]);
});

testOnBothEngines("a person's bill is what the spend page says", async (t, { store, orgId }) => {
  await staff(store, orgId);
  await use(store, orgId, now - dayMs, [
    { subject: "ada@example.com", cost: 6n * usd },
    { subject: "bob@example.com", cost: 7n * usd },
  ]);
  await bill(store, orgId, "5.123456789", "ada@example.com");
  await bill(store, orgId, "9.999999999", null);
  await bill(store, orgId, "3", "cyd@example.com");
  const spend = spendByPerson(await loadUsageFacts(store.reader, orgId, window));
  const facts = await loadAttributionFacts(store.reader, orgId, window);
  const { rows } = attribute(facts, "PERSON", {}, "INCREMENTAL");
  t.deepEqual(
    Object.fromEntries(rows.map(({ key, billedUsage }) => [key, billedUsage])),
    Object.fromEntries(spend.map(({ subject, spend: amount }) => [subject, amount])),
  );
});

test("every way of slicing sums to the same total, and every way down to its row", (t) => {
  const subjects = fc.constantFrom("ada@x.example", "bob@x.example", "eve@x.example");
  const systems = fc.constantFrom("anthropic", "openai");
  const projects = fc.option(fc.constantFrom("p1", "p2"));
  const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
  const cell = fc.record({
    system: systems,
    subject: subjects,
    model: fc.option(fc.constantFrom("m1", "m2")),
    projectId: projects,
    ...(Object.fromEntries(measures.map((name) => [name, amount])) as Record<
      (typeof measures)[number],
      typeof amount
    >),
    billedUsage: fc.constant(0n),
    billedFlat: fc.constant(0n),
  });
  const billed = fc.record({
    system: systems,
    subject: fc.option(subjects),
    flat: fc.boolean(),
    nanoUsd: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  });
  const allocation = fc.record({
    employeeId: fc.constantFrom("ada", "bob"),
    projectId: projects,
    teamId: fc.option(fc.constantFrom("t1", "t2")),
    ftePpm: fc.bigInt({ min: 1n, max: 1_000_000n }),
    fromDay: fc.constantFrom("2026-01-01", "2026-11-10"),
    untilDay: fc.option(fc.constant("2026-11-15")),
  });
  const person = (name: string, teamId: string | null) => ({
    employeeId: name,
    email: `${name}@x.example`,
    name: null,
    teamId,
    active: true,
  });
  fc.assert(
    fc.property(
      fc.array(cell, { maxLength: 12 }),
      fc.array(billed, { maxLength: 6 }),
      fc.array(allocation, { maxLength: 5 }),
      fc.constantFrom(...dimensions),
      fc.constantFrom(...dimensions),
      (observed, bills, allocations, by, below) => {
        const facts: AttributionFacts = {
          window: { startDate: "2026-11-01" as UsageDate, endDate: "2026-11-30" as UsageDate },
          observed,
          billed: bills,
          sessions: [],
          employees: [person("ada", "t1"), person("bob", null)],
          teams: [
            { teamId: "t1", name: "T1", parentId: "t2", costCentre: null },
            { teamId: "t2", name: "T2", parentId: "t1", costCentre: "CC" },
          ],
          projects: [{ projectId: "p1", name: "P1", costCentre: "CCP" }],
          allocations,
        };
        const sumsOf = (rows: readonly Measures[]) =>
          measures.map((name) => rows.reduce((sum, row) => sum + row[name], 0n));
        const whole = attribute(facts, by, {}, "INCREMENTAL");
        t.deepEqual(sumsOf(whole.rows), sumsOf([whole.total]));
        const given = measures.map((name) => observed.reduce((sum, one) => sum + one[name], 0n));
        for (const flat of [false, true]) {
          given[flat ? 3 : 2] = bills.reduce(
            (sum, line) => sum + (line.flat === flat ? line.nanoUsd : 0n),
            0n,
          );
        }
        t.deepEqual(sumsOf([whole.total]), given);
        for (const row of whole.rows) {
          const inside = attribute(facts, below, { [by]: row.key }, "INCREMENTAL");
          t.deepEqual(sumsOf(inside.rows), sumsOf([row]));
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("GraphQL answers by any dimension and leads down to sessions", async (t) => {
  await using running = await startRunning();
  const key = await running.apiKey("AI_INSIGHTS_VIEW");
  const { store } = running.installation;
  const { orgId } = running.context;
  await staff(store, orgId);
  await use(store, orgId, Date.now() - dayMs, [
    { subject: "ada@example.com", cost: 6n * usd, project: "github.com/acme/api" },
    { subject: "bob@example.com", cost: 2n * usd },
  ]);
  const answer = await running.graphql(
    key,
    `{
      teams: aiAttribution(by: TEAM, limit: 1) {
        rows { key label paidUsd listPriceUsd billedUsd billedFlatUsd totalTokens sessions people }
        total { paidUsd calls } truncated headcount peopleSeen telemetryCoverage unresolvedPeople
      }
      people: aiAttribution(by: PERSON, project: "api", costMode: MARKET) { rows { key listPriceUsd } }
      aiAttributedSessions(person: "ada@example.com") { subject project costUsd }
      ofProject: aiAttributedSessions(project: "api", limit: 1, offset: 1) { subject }
      ofTeam: aiAttributedSessions(team: "web", service: "anthropic", model: "unheard-of") { subject }
    }`,
  );
  t.deepEqual(answer.messages, []);
  t.like(answer.data["teams"], {
    truncated: true,
    headcount: 3,
    peopleSeen: 2,
    telemetryCoverage: 2 / 3,
    unresolvedPeople: 0,
    total: { paidUsd: "8.00", calls: "4" },
  });
  t.like((answer.data["teams"] as { rows: unknown[] }).rows[0], {
    key: "web",
    label: "Team web",
    paidUsd: "7.00",
    billedUsd: null,
    billedFlatUsd: null,
    people: 2,
  });
  t.deepEqual(answer.data["people"], {
    rows: [
      { key: "ada@example.com", listPriceUsd: "6.00" },
      { key: "bob@example.com", listPriceUsd: "1.00" },
    ],
  });
  t.deepEqual(answer.data["aiAttributedSessions"], [
    { subject: "ada@example.com", project: "github.com/acme/api", costUsd: "6.00" },
  ]);
  t.deepEqual(answer.data["ofProject"], [{ subject: "bob@example.com" }]);
  t.deepEqual(answer.data["ofTeam"], []);
});
