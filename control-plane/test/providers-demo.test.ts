/** The demo: the same company for the same seed, written once, with what makes a bill differ from what was seen. */
import test from "ava";
import { sql } from "kysely";
import * as v from "valibot";
import { addDays, dateOf, dayMs } from "@flowstate/shared/time";
import {
  fluencyEvent,
  fluencyIndicators,
  type FluencyEvent,
  type FluencyIndicator,
} from "@flowstate/shared/wire/fluency";
import { indicatorFacts } from "../src/insights/fluency/indicators.ts";
import type { KeyContext } from "../src/keys/provision.ts";
import { listPolicyHits } from "../src/policy/hits.ts";
import { readActivePolicy } from "../src/policy/queries.ts";
import { activatePolicy, draftPolicy } from "../src/policy/versions.ts";
import { addProvider } from "../src/providers/actions.ts";
import { demoCalls } from "../src/providers/demo/activity.ts";
import { demoBill } from "../src/providers/demo/bill.ts";
import { demoConversations } from "../src/providers/demo/conversations.ts";
import { demoCompany } from "../src/providers/demo/company.ts";
import { seedGovernance } from "../src/providers/demo/governance.ts";
import { demoIncidents } from "../src/providers/demo/incidents.ts";
import { purgeDemo } from "../src/providers/demo/purge.ts";
import { seedDemo, seedIncidents } from "../src/providers/demo/seed.ts";
import type { IntegrationContext } from "../src/providers/integrations.ts";
import { syncNow } from "../src/providers/sync.ts";
import { runDetectors } from "../src/signals/run.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { window } from "./support/connection.ts";
import { never, readRows, syncingOn } from "./support/syncing.ts";

const company = demoCompany(1);
const day = window("2026-11-10", "2026-11-10").from;
const later = Date.UTC(2026, 10, 21);

test("calls and bills follow from the seed and the day alone", (t) => {
  t.deepEqual(demoCalls(demoCompany(1), day), demoCalls(company, day));
  t.deepEqual(demoBill(demoCompany(1), day, later), demoBill(company, day, later));
  t.notDeepEqual(demoCalls(demoCompany(2), day), demoCalls(company, day));
});

test("every address and every line says that it is made up", (t) => {
  t.true(company.people.every(({ email }) => email.endsWith("@demo.invalid")));
  const lines = demoBill(company, day, later).flatMap((item) => (item.type === "line" ? item.line : []));
  t.true(lines.length > 10);
  t.true(lines.every(({ description }) => description.startsWith("Demo: ")));
});

test("a bill comes some hours after its day, and a few of its lines change three days on", (t) => {
  const end = Date.parse(`${day}T00:00:00Z`) + dayMs;
  t.deepEqual(demoBill(company, day, end), []);
  const linesOf = (each: typeof day, now: number) =>
    demoBill(company, each, now).flatMap((item) =>
      item.type === "line" ? `${item.line.key}: ${item.line.amount.text}` : [],
    );
  let restated = 0;
  let stated = 0;
  for (let offset = 0; offset < 30; offset += 1) {
    const each = addDays(day, -offset);
    const closed = Date.parse(`${each}T00:00:00Z`) + dayMs;
    const first = new Set(linesOf(each, closed + dayMs));
    const last = linesOf(each, closed + 4 * dayMs);
    t.is(last.length, first.size);
    restated += last.filter((line) => !first.has(line)).length;
    stated += last.length;
  }
  t.true(restated > 0 && restated < stated / 10, `${restated} of ${stated}`);
});

test("most of the bill was observed, and some of it was not", (t) => {
  let billed = 0n;
  let observed = 0n;
  for (let offset = 0; offset < 60; offset += 1) {
    for (const call of demoCalls(company, addDays(day, -offset))) {
      if (call.tool.service === null) continue;
      billed += call.costNanoUsd ?? 0n;
      if (call.observed) observed += call.costNanoUsd ?? 0n;
    }
  }
  const share = Number((observed * 1000n) / billed) / 1000;
  t.true(share > 0.93 && share < 0.995, `${share}`);
  t.true(billed > 2_000_000_000_000n && billed < 40_000_000_000_000n, `${billed}`);
});

test("conversations show every indicator about as often as in public, a team more of what it is good at", (t) => {
  const told = Array.from({ length: 60 }, (_, ago) => addDays(day, -ago)).flatMap((each) =>
    demoConversations(company, demoCalls(company, each)).map((one, index) =>
      v.parse(fluencyEvent, { ...one, seq: index }),
    ),
  );
  const share = (indicator: FluencyIndicator, some: readonly FluencyEvent[]) =>
    some.filter(({ indicators }) => indicators[indicator].observed > 0).length / some.length;
  for (const indicator of fluencyIndicators) {
    const found = share(indicator, told);
    const { baseline } = indicatorFacts[indicator];
    t.true(found > baseline * 0.6 && found < baseline * 1.5, `${indicator}: ${found} against ${baseline}`);
  }
  const ofTeam = (team: string) => {
    const members = company.people.filter(({ teamId }) => teamId === team);
    return told.filter(({ sessionId }) => members.some(({ id }) => sessionId.includes(id)));
  };
  t.true(share("clarifies_goal", ofTeam("demo-platform")) > share("clarifies_goal", ofTeam("demo-product")));
  t.deepEqual(
    demoConversations(company, demoCalls(company, day)),
    demoConversations(company, demoCalls(company, day)),
  );
});

test("any five weeks hold every kind of incident", (t) => {
  for (let start = 0; start < 60; start += 1) {
    const weeks = Array.from({ length: 35 }, (_, ago) => demoIncidents(company, addDays(day, -start - ago)));
    const sessions = new Set(
      weeks.flatMap(({ calls }) => calls.map(({ sessionId }) => sessionId.replace(/.*-/, ""))),
    );
    t.deepEqual([...sessions].sort(), ["document", "loop", "migration", "retries", "weekend"], `${start}`);
    const kinds = weeks.flatMap(({ contents }) =>
      contents.map(({ kind, found }) => `${kind} ${Object.keys(found).join(" ")}`),
    );
    t.is(new Set(kinds).size, 6, `${start}`);
  }
});

const keysBy = (context: IntegrationContext): KeyContext => ({ ...context, pepper: Buffer.alloc(32, 7) });

testOnBothEngines(
  "what goes wrong in the demo raises signals, and its policy is met without refusing anything",
  async (t, { store, orgId }) => {
    const { services, context } = syncingOn(store, orgId);
    const given = { orgId, seed: 1, days: 40, now: services.clock.now() };
    // Tonight's run over all days has been: what the demo fills in does not wait for the next one.
    await runDetectors(services, orgId);
    const fill = async () => {
      await seedDemo(store, given);
      await seedIncidents(store, given);
      await seedGovernance(store, keysBy(context()), given);
      t.like(await runDetectors(services, orgId), { whole: true });
      const signals = await store.reader.selectFrom("signals").select(["type", "subject"]).execute();
      const hits = await listPolicyHits(store.reader, orgId, { now: given.now, days: 30 });
      return { signals, hits };
    };
    const { signals, hits } = await fill();
    t.deepEqual([...new Set(signals.map(({ type }) => type))].sort(), [
      "api_key_in_prompt",
      "banned_content_pattern",
      "brand_violation",
      "customer_data_pattern",
      "off_topic_production",
      "personal_use_company_account",
      "pii_detected",
      "runaway_loop",
      "secret_detected",
      "spend_spike",
      "wasteful_prompting",
    ]);
    t.true(signals.every(({ subject }) => /@demo\.invalid$|^service-account:demo-/.test(subject ?? "")));
    t.deepEqual(hits.map(({ rule, enforcedCalls }) => `${rule}, ${enforcedCalls} enforced`).sort(), [
      "Demo: everyday models for Platform, 0 enforced",
      "Demo: no promises in our name, 0 enforced",
      "Demo: nothing that must stay here, 0 enforced",
      "Demo: providers with an agreement, 0 enforced",
    ]);
    t.deepEqual(await fill(), { signals, hits });
    const policy = await readActivePolicy(store.reader, orgId);
    t.true(policy?.document.rules.every(({ action, scope }) => action !== "BLOCK" && scope.kind === "team"));
  },
);

testOnBothEngines("an organisation that has a policy keeps it", async (t, { store, orgId }) => {
  const { services, context } = syncingOn(store, orgId);
  const given = { orgId, seed: 1, days: 2, now: services.clock.now() };
  const own = JSON.stringify({ rules: [] });
  await store.transact(async (db) => {
    const version = await draftPolicy(db, context(), { text: own, note: null });
    await activatePolicy(db, context(), version);
  });
  await seedDemo(store, given);
  await seedGovernance(store, keysBy(context()), given);
  t.deepEqual((await readActivePolicy(store.reader, orgId))?.document.rules, []);
  t.deepEqual(await listPolicyHits(store.reader, orgId, { now: given.now, days: 30 }), []);
  await store.transact((db) => purgeDemo(db, context()));
  t.is((await readActivePolicy(store.reader, orgId))?.version, 1);
});

testOnBothEngines(
  "seeding again adds the days that are new and nothing else",
  async (t, { store, orgId }) => {
    const { services } = syncingOn(store, orgId);
    const count = async () => {
      const counts = new Map<string, string>();
      for (const table of [
        "calls",
        "call_names",
        "sessions",
        "fluency_sessions",
        "usage_hours",
        "meter_hours",
        "employees",
        "allocations",
      ] as const) {
        const rows = await store.reader
          .selectFrom(table)
          .select("org_id")
          .where("org_id", "=", orgId)
          .execute();
        counts.set(table, String(rows.length));
      }
      const { meter } = await store.reader
        .selectFrom("meter_months")
        .select(({ fn }) => fn.sum<bigint>("estimated_requests").as("meter"))
        .executeTakeFirstOrThrow();
      return counts.set("meter", String(meter));
    };
    const seed = (now: number, days: number) => seedDemo(store, { orgId, seed: 1, days, now });
    const now = services.clock.now();
    await seed(now, 6);
    const first = await count();
    await seed(now, 6);
    t.deepEqual(await count(), first);
    await seed(now + dayMs, 7);
    const grown = await count();
    const fresh = demoCalls(company, dateOf(now)).filter(({ observed }) => observed).length;
    t.is(Number(grown.get("calls")), Number(first.get("calls")) + fresh);
    t.true(Number(first.get("fluency_sessions")) > 20);
    t.true(Number(grown.get("fluency_sessions")) > Number(first.get("fluency_sessions")));
  },
);

testOnBothEngines(
  "adding the demo brings its telemetry, and its bill names the people",
  async (t, { store, orgId }) => {
    const { services, context } = syncingOn(store, orgId);
    const request = { kind: "DEMO", name: null, inputs: [] } as const;
    const { integration } = await addProvider(services, context(), request, never);
    const days = window("2026-11-01", "2026-11-20");
    const { added } = await syncNow(services, orgId, integration.providerId, days, "request", never);
    const rows = await readRows(store, orgId);
    t.is(rows.length, added);
    const named = rows.filter(({ subject }) => subject !== null);
    t.true(named.length > rows.length / 2);
    t.true(named.every(({ subject }) => subject?.endsWith("@demo.invalid")));
    t.true(rows.some(({ charge_category }) => charge_category === "Purchase"));
    t.true(rows.some(({ amount_nano_usd }) => amount_nano_usd < 0n));
    const shared = rows.filter(({ identity_value }) => identity_value === "key_demo_shared");
    t.true(shared.length > 0 && shared.every(({ subject }) => subject === null));
    const before = rows;
    await syncNow(services, orgId, integration.providerId, days, "request", never);
    t.deepEqual(await readRows(store, orgId), before);
  },
);

testOnBothEngines(
  "purging takes out all that the demo wrote and nothing else",
  async (t, { store, orgId }) => {
    const { services, context } = syncingOn(store, orgId);
    const kept = await store.transact(async (db) => {
      const team = { team_id: "t1", name: "Real", parent_id: null, cost_centre: null, external_id: null };
      await db
        .insertInto("teams")
        .values({ ...team, org_id: orgId, version: 1n, created_at: 1, updated_at: 1 })
        .execute();
      return [
        "orgs",
        "audit_heads",
        "audit_log",
        "jobs",
        "migrations",
        "installation",
        "teams",
        "signal_runs",
      ];
    });
    const request = { kind: "DEMO", name: null, inputs: [] } as const;
    const { integration } = await addProvider(services, context(), request, never);
    const days = window("2026-11-01", "2026-11-20");
    await syncNow(services, orgId, integration.providerId, days, "request", never);
    const given = { seed: 1, days: 20 };
    await seedGovernance(store, keysBy(context()), given);
    await runDetectors(services, orgId, { whole: true });
    await store.transact((db) => purgeDemo(db, context()));
    // What was found about a service and nobody stays: it may be about real bills.
    t.deepEqual(await store.reader.selectFrom("signals").select("type").execute(), [
      { type: "monitoring_gap" },
    ]);
    await store.transact((db) => db.deleteFrom("signals").execute());
    const left = await tablesWithRows(store);
    t.deepEqual(
      left.filter((table) => !kept.includes(table)),
      [],
    );
    t.deepEqual(await store.reader.selectFrom("teams").select("team_id").execute(), [{ team_id: "t1" }]);
  },
);

async function tablesWithRows(store: Store): Promise<readonly string[]> {
  const { rows } =
    store.engine === "sqlite"
      ? await sql<{ name: string }>`SELECT name FROM sqlite_schema WHERE type = 'table'`.execute(store.reader)
      : await sql<{ name: string }>`SELECT table_name AS name FROM information_schema.tables
          WHERE table_schema = 'public'`.execute(store.reader);
  const found: string[] = [];
  for (const { name } of rows) {
    const { rows: first } = await sql`SELECT 1 FROM ${sql.table(name)} LIMIT 1`.execute(store.reader);
    if (first.length > 0) found.push(name);
  }
  return found;
}
