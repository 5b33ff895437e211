/** What AI costs by system, team and person, over real rows on both engines. */
import fc from "fast-check";
import test from "ava";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import { dateOf, dayMs, hourOf } from "@flowstate/shared/time";
import { loadPeopleOf } from "../src/billing/batch.ts";
import { writeLines } from "../src/billing/lines.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { billLine } from "../src/providers/connector.ts";
import type { Store } from "../src/store/open.ts";
import { spendByPerson, spendByTeam, summariseSystems, unattributed } from "../src/usage-queries/answers.ts";
import { coverageOf } from "../src/usage-queries/coverage.ts";
import { loadUsageFacts, type UsageFacts } from "../src/usage-queries/facts.ts";
import { readWindow } from "../src/usage-queries/window.ts";
import { sumHours } from "./support/usage-sums.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

const now = Date.UTC(2026, 10, 20, 12);
const window = readWindow({}, now);
const usd = 1_000_000_000n;

interface Use {
  readonly subject: string;
  readonly system?: string;
  readonly cost?: bigint;
  readonly at?: number;
}

async function use(store: Store, orgId: OrgId, given: Use): Promise<void> {
  const { subject, system = "anthropic", cost = usd, at = now - dayMs } = given;
  const tokens = {
    input_tokens: 10n,
    output_tokens: 5n,
    cache_read_tokens: 3n,
    cache_write_5m_tokens: 2n,
    cache_write_1h_tokens: 1n,
    reasoning_tokens: 4n,
  };
  const sums = { calls: 1n, cost_nano_usd: cost, uncosted_calls: 0n, estimated_calls: 0n };
  const key = {
    org_id: orgId,
    hour: hourOf(at),
    subject,
    provider: system,
    tool: "t",
    model: "m",
    project: "",
  };
  const row = { ...key, billing: "metered" as const, ...tokens, ...sums };
  await store.transact((db) => db.insertInto("usage_hours").values(row).execute());
  await sumHours(store);
}

async function bill(store: Store, orgId: OrgId, amount: string, email: string | null): Promise<void> {
  const { line } = billLine({
    feed: "f",
    key: `${amount}|${email}`,
    service: "anthropic-api",
    identity: email === null ? { kind: "org", value: null } : { kind: "email", value: email },
    day: window.endDate,
    description: "a line",
    amount: { text: amount, currency: "USD" },
    record: null,
  });
  const kind = "ANTHROPIC" as const;
  const source = { orgId, providerId: "p", kind, importId: null, seenAt: now, now, rates: new Map() };
  const people = await loadPeopleOf(store.reader, orgId, kind);
  await store.transact((db) => writeLines(db, store.engine, { ...source, people }, [line]));
}

async function staff(store: Store, orgId: OrgId): Promise<void> {
  const kept = { org_id: orgId, external_id: null, version: 1n, created_at: now, updated_at: now };
  const teams = [
    { ...kept, team_id: "all", name: "Everybody", parent_id: null, cost_centre: "CC1" },
    { ...kept, team_id: "web", name: "Web", parent_id: "all", cost_centre: null },
  ];
  const person = (name: string, active: bigint) => ({
    ...kept,
    employee_id: name,
    email: `${name}@example.com`,
    name,
    title: null,
    primary_team_id: "web",
    manager_id: null,
    active,
  });
  await store.transact(async (db) => {
    await db.insertInto("teams").values(teams).execute();
    await db
      .insertInto("employees")
      .values([person("ada", 1n), person("bob", 1n), person("old", 0n)])
      .execute();
    const alias = { provider: "", kind: "email" as const, value: "countess@example.com", employee_id: "ada" };
    await db
      .insertInto("identities")
      .values({ ...alias, org_id: orgId, email: null, label: null, source: "admin", updated_at: now })
      .execute();
  });
}

testOnBothEngines(
  "a system with a bill costs what the bill says, one without what its calls cost",
  async (t, { store, orgId }) => {
    await staff(store, orgId);
    await use(store, orgId, { subject: "ada@example.com", cost: 3n * usd });
    await use(store, orgId, { subject: "countess@example.com", cost: 3n * usd });
    await use(store, orgId, { subject: "bob@example.com", cost: 2n * usd });
    await use(store, orgId, { subject: "eve@example.com", system: "openai", cost: 7n * usd });
    await use(store, orgId, { subject: "service-account:bot", system: "mistral" });
    await use(store, orgId, { subject: "bob@example.com", at: now - 200 * dayMs, cost: 99n * usd });
    await bill(store, orgId, "4", "ada@example.com");
    await bill(store, orgId, "12", null);
    const facts = await loadUsageFacts(store.reader, orgId, window);
    t.deepEqual(
      summariseSystems(facts).map(({ system, basis, spend, seats, inputTokens, totalTokens }) =>
        [system, basis, spend / usd, seats, inputTokens, totalTokens].join(" "),
      ),
      ["anthropic BILLED 16 2 48 63", "openai OBSERVED 7 1 16 21", "mistral OBSERVED 1 0 16 21"],
    );
    t.deepEqual(
      spendByPerson(facts).map(({ subject, system, spend, primaryTeam }) =>
        [subject, system, spend / usd, primaryTeam].join(" "),
      ),
      [
        "ada@example.com anthropic 10 Web",
        "eve@example.com openai 7 ",
        "bob@example.com anthropic 6 Web",
        "service-account:bot mistral 1 ",
      ],
    );
    t.deepEqual(
      spendByTeam(facts).map((row) =>
        [row.team, row.costCentre, row.headcount, row.activeUsers, row.adoptionRate, row.spend / usd].join(
          " ",
        ),
      ),
      ["Everybody CC1 0 0  0", "Web CC1 2 2 1 16", "(no team)  0 0  8"],
    );
    t.is(coverageOf(facts).calls, 5n);
  },
);

testOnBothEngines("every window is the sum of its hours", async (t, { store, orgId }) => {
  const day = (text: string): number => Date.parse(`${text}T12:00:00Z`);
  const days = [
    "2026-06-30",
    "2026-07-01",
    "2026-07-31",
    "2026-08-15",
    "2026-09-30",
    "2026-10-01",
    "2026-10-02",
  ];
  for (const [index, at] of days.entries()) {
    await use(store, orgId, { subject: "ada@example.com", at: day(at), cost: 10n ** BigInt(index) });
  }
  const first = Date.parse("2026-06-28T00:00:00Z");
  const ends = fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }));
  await fc.assert(
    fc.asyncProperty(ends, async ([one, other]) => {
      const from = first + Math.min(one, other) * dayMs;
      const to = first + Math.max(one, other) * dayMs;
      const asked = { startDate: dateOf(from), endDate: dateOf(to) };
      const { observed } = await loadUsageFacts(store.reader, orgId, asked);
      const expected = days.reduce(
        (sum, at, index) => sum + (day(at) >= from && day(at) < to + dayMs ? 10n ** BigInt(index) : 0n),
        0n,
      );
      t.is(
        observed.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n),
        expected,
      );
    }),
    { numRuns: 60 },
  );
});

testOnBothEngines("one organisation never sees another's rows", async (t, { store, orgId }) => {
  const other = newOrgId();
  await store.transact((db) => createOrg(db, { orgId: other, slug: "other", now }));
  const people = fc.array(fc.constantFrom("ada", "bob", "eve"), { maxLength: 4 });
  let hour = 0;
  await fc.assert(
    fc.asyncProperty(people, people, async (mine, theirs) => {
      const before = await loadUsageFacts(store.reader, orgId, window);
      for (const name of theirs) {
        await use(store, other, { subject: `${name}@other.example`, at: now - (hour += 1) * 3_600_000 });
      }
      t.deepEqual(await loadUsageFacts(store.reader, orgId, window), before);
      for (const name of mine) {
        await use(store, orgId, { subject: `${name}@example.com`, at: now - (hour += 1) * 3_600_000 });
      }
      const { observed } = await loadUsageFacts(store.reader, orgId, window);
      t.true(observed.every(({ subject }) => subject.endsWith("@example.com")));
    }),
    { numRuns: 15 },
  );
});

test("systems, teams and people add up to the same", (t) => {
  const names = fc.constantFrom("a@x.example", "b@x.example", "c@x.example");
  const systems = fc.constantFrom("anthropic", "openai");
  const amount = fc.bigInt({ min: 0n, max: 10n ** 15n });
  const observed = fc.record({
    system: systems,
    subject: names,
    calls: fc.constant(1n),
    uncostedCalls: fc.constant(0n),
    estimatedCalls: fc.constant(0n),
    inputTokens: amount,
    outputTokens: amount,
    costNanoUsd: amount,
  });
  const billed = fc.record({
    system: systems,
    subject: fc.option(names),
    nanoUsd: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  });
  fc.assert(
    fc.property(fc.array(observed), fc.array(billed), (uses, bills) => {
      const facts: UsageFacts = {
        observed: uses,
        billed: bills,
        employees: [{ employeeId: "a", email: "a@x.example", name: null, teamId: "t", active: true }],
        teams: [{ teamId: "t", name: "T", parentId: "t", costCentre: null }],
        lastCallHour: null,
        lastSyncAt: null,
      };
      const total = (rows: readonly { readonly spend: bigint }[]) =>
        rows.reduce((sum, { spend }) => sum + spend, 0n);
      const people = spendByPerson(facts);
      t.is(total(summariseSystems(facts)), total(people));
      t.is(total(spendByTeam(facts)), total(people));
      const billedSystems = new Set<string>(bills.map(({ system }) => system));
      for (const system of billedSystems) {
        const expected = bills
          .filter((line) => line.system === system)
          .reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n);
        t.is(total(people.filter((person) => person.system === system)), expected);
      }
      t.true(people.every(({ subject }) => subject !== ""));
      t.true(
        people
          .filter(({ subject }) => subject === unattributed)
          .every(({ system }) => billedSystems.has(system)),
      );
    }),
  );
});

for (const [given, expected] of [
  [{}, "2026-08-20 2026-11-20"],
  [{ endDate: "2026-05-31" }, "2026-02-28 2026-05-31"],
  [{ startDate: "2026-11-01" }, "2026-11-01 2026-11-20"],
] as const) {
  test(`the window of ${JSON.stringify(given)}`, (t) => {
    const { startDate, endDate } = readWindow(given, now);
    t.is(`${startDate} ${endDate}`, expected);
  });
}

for (const given of [{ startDate: "2026-13-01" }, { startDate: "2026-12-01" }, { startDate: "1990-01-01" }]) {
  test(`${JSON.stringify(given)} is refused`, (t) => {
    t.throws(() => readWindow(given, now), { code: "FS_INPUT_INVALID" });
  });
}
