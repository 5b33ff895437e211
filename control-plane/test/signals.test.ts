/** What the detectors find in a made organisation, by the truth that only its generator knows, and what becomes of it. */
import test from "ava";
import { readFileSync } from "node:fs";
import { systemClock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs } from "@flowstate/shared/time";
import { seedDemo } from "../src/providers/demo/seed.ts";
import { detectors } from "../src/signals/detectors.ts";
import type { Finding } from "../src/signals/finding.ts";
import { countByAccount } from "../src/signals/queries.ts";
import { runDetectors } from "../src/signals/run.ts";
import { mostPerDay, storeFindings } from "../src/signals/store-findings.ts";
import { signalTypeNames } from "../src/signals/types.ts";
import { readDueAt } from "../src/store/jobs.ts";
import type { Store } from "../src/store/open.ts";
import { usageSeenJob } from "../src/usage/changed.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { hurriedClock } from "./support/clock.ts";
import { makeOrganisation } from "./support/incidents.ts";
import { judgeSignals } from "./support/judge-signals.ts";
import { newMasterKey, startRunning } from "./support/running.ts";
import { tellOrganisation } from "./support/tell-incidents.ts";

const now = Date.parse("2026-11-20T12:00:00Z");

testOnBothEngines(
  "detectors find what was made to happen, once, and little else",
  async (t, { store, orgId }) => {
    const clock = hurriedClock(now);
    const made = makeOrganisation(1, 48, now);
    await tellOrganisation(store, orgId, made, now);
    t.like(await runDetectors({ store, clock }, orgId), { whole: true, held: 0 });
    const scores = await judgeSignals(store, orgId, made.truth);
    const sum = (of: (score: (typeof scores)[number]) => number): number =>
      scores.reduce((total, score) => total + of(score), 0);
    const wrong = scores.flatMap((score) => score.wrong);
    const missed = scores.flatMap((score) => score.missed);
    t.log({ made: made.truth.size, missed, wrong });
    t.true(1 - wrong.length / sum(({ found }) => found) >= 0.95);
    t.true(sum(({ right }) => right) / made.truth.size >= 0.85);
    // Every detector had something to find.
    t.deepEqual(
      [...new Set(detectors.flatMap(({ types }) => types))].filter(
        (type) => !made.truth.keys().some((each) => each.startsWith(type)),
      ),
      [],
    );

    t.like(await runDetectors({ store, clock }, orgId, { whole: true }), { added: 0 });
    t.like(await runDetectors({ store, clock }, orgId), { whole: false, added: 0 });
    clock.advance(dayMs);
    t.like(await runDetectors({ store, clock }, orgId), { whole: true, added: 0 });
  },
);

testOnBothEngines("what a device reports is looked at within a minute", async (t, { store, orgId }) => {
  const clock = hurriedClock(now);
  await runDetectors({ store, clock }, orgId);
  await tellOrganisation(store, orgId, makeOrganisation(2, 24, now), now);
  t.is(await readDueAt(store.reader, { orgId, name: usageSeenJob }), now);
});

testOnBothEngines(
  "a company at its ordinary work, made by another hand, raises nothing",
  async (t, { store, orgId }) => {
    await seedDemo(store, { orgId, seed: 1, days: 60, now });
    t.like(await runDetectors({ store, clock: hurriedClock(now) }, orgId), { whole: true, found: 0 });
  },
);

function spike(change: Partial<Finding> = {}): Finding {
  return {
    type: "spend_spike",
    severity: "WARN",
    subject: "ada@example.com",
    sessionId: null,
    service: null,
    about: "",
    occurrence: "2026-11-20",
    at: now,
    evidence: { paidUsd: "60.00" },
    ...change,
  };
}

function storeAt(store: Store, orgId: OrgId, at: number, ...findings: readonly Finding[]) {
  return store.transact((db) => storeFindings(db, orgId, findings, at));
}

const all = (store: Store, orgId: OrgId) =>
  store.reader.selectFrom("signals").selectAll().where("org_id", "=", orgId).orderBy("detected_at").execute();

testOnBothEngines("a signal grows until somebody has resolved it", async (t, { store, orgId }) => {
  t.like(await storeAt(store, orgId, now, spike(), spike()), { added: 1, held: 0 });
  const grown = spike({ severity: "BLOCK", evidence: { paidUsd: "900.00" } });
  const { added, raised } = await storeAt(store, orgId, now + 1000, grown);
  t.deepEqual([added, raised.map(({ severity }) => severity)], [0, ["BLOCK"]]);
  const [signal] = await all(store, orgId);
  t.like(signal, { severity: "BLOCK", detected_at: now, updated_at: now + 1000 });
  t.deepEqual(JSON.parse(signal?.detail ?? ""), { rule: "spend_spike/1", paidUsd: "900.00" });

  await resolve(store, orgId, "ACKNOWLEDGED", now + 2000);
  const more = spike({ severity: "BLOCK", evidence: { paidUsd: "1000.00" } });
  t.deepEqual((await storeAt(store, orgId, now + 3000, more)).raised, []);
  t.is((await all(store, orgId))[0]?.detail, signal?.detail);
  t.is((await storeAt(store, orgId, now + dayMs, spike({ occurrence: "2026-11-21" }))).added, 1);
});

async function resolve(
  store: Store,
  orgId: OrgId,
  resolution: "ACKNOWLEDGED" | "FALSE_POSITIVE",
  at: number,
) {
  await store.transact((db) =>
    db.updateTable("signals").set({ resolution, resolved_at: at }).where("org_id", "=", orgId).execute(),
  );
}

testOnBothEngines("a false positive silences the same for thirty days", async (t, { store, orgId }) => {
  await storeAt(store, orgId, now, spike());
  await resolve(store, orgId, "FALSE_POSITIVE", now);
  const at = (days: number, change: Partial<Finding> = {}) =>
    storeAt(store, orgId, now + days * dayMs, spike({ occurrence: `day ${days}`, ...change }));
  t.is((await at(1)).added, 0);
  t.is((await at(1, { subject: "bob@example.com" })).added, 1);
  t.is((await at(29)).added, 0);
  t.is((await at(30)).added, 1);
});

testOnBothEngines(
  "of each type a hundred are new on a day, the gravest first",
  async (t, { store, orgId }) => {
    const many = Array.from({ length: mostPerDay + 5 }, (_, index) =>
      spike({ subject: `p${index}@example.com`, severity: index < 5 ? "INFO" : "WARN" }),
    );
    t.like(await storeAt(store, orgId, now, ...many), { added: mostPerDay, held: 5 });
    t.true((await all(store, orgId)).every(({ severity }) => severity === "WARN"));
    t.like(await storeAt(store, orgId, now + 1000, ...many), { added: 0, held: 5 });
    t.like(await storeAt(store, orgId, now + 1000, spike({ type: "runaway_loop" })), { added: 1, held: 0 });
    t.like(await storeAt(store, orgId, now + dayMs, ...many), { added: 5, held: 0 });
  },
);

testOnBothEngines("a service account's environment weighs on the severity", async (t, { store, orgId }) => {
  for (const environment of ["production", "staging", "development"] as const) {
    const subject = `service-account:${environment}`;
    const account = { name: environment, description: null, intended_scope: null, abuse_detection: 1n };
    await store.transact((db) =>
      db
        .insertInto("service_accounts")
        .values({
          ...account,
          org_id: orgId,
          account_id: `id-${environment}`,
          subject,
          environment,
          created_at: now,
          created_by: "test",
          updated_at: now,
          deleted_at: null,
        })
        .execute(),
    );
    await storeAt(store, orgId, now, spike({ subject }));
  }
  const signals = await all(store, orgId);
  t.deepEqual(signals.map((row) => `${row.service_account_id} ${row.severity}`).sort(), [
    "id-development INFO",
    "id-production BLOCK",
    "id-staging WARN",
  ]);
  const counts = await countByAccount(store.reader, orgId, now);
  t.deepEqual([...counts.keys()].sort(), ["id-development", "id-production", "id-staging"]);
  t.true(counts.values().every((count) => count === 1));
  t.is((await countByAccount(store.reader, orgId, now + 1)).size, 0);
});

/** Raised where people stand, of which test/standing.test.ts tells. */
const ofStanding = "off_project_spend";

test("every type but one has a detector, and docs/signals.md explains it", (t) => {
  const docs = readFileSync(new URL("../../docs/signals.md", import.meta.url), "utf8");
  const detected = new Set([...detectors.flatMap(({ types }) => types), ofStanding]);
  for (const type of signalTypeNames) {
    t.true(detected.has(type), type);
    t.true(docs.includes(`\`${type}\``), type);
  }
});

testOnBothEngines(
  "signals are listed, narrowed and settled over GraphQL",
  async (t, { store, address, orgId }) => {
    await storeAt(
      store,
      orgId,
      now,
      spike(),
      spike({ type: "new_service", severity: "INFO", service: "groq" }),
    );
    await storeAt(store, orgId, now + 1000, spike({ subject: "bob@example.com", severity: "BLOCK" }));
    const masterKey = newMasterKey();
    await using running = await startRunning({
      store: address,
      masterKey,
      orgSlug: "acme",
      clock: { ...systemClock, now: () => now },
    });
    const key = await running.apiKey("AI_GOVERNANCE_VIEW", "AI_POLICY_ADMIN", "AUDIT_VIEW");
    const list = async (filter: string): Promise<unknown> => {
      const { data, codes } = await running.graphql(
        key,
        `{ behaviouralSignals(${filter}) { type subject } }`,
      );
      const rows = (data["behaviouralSignals"] ?? []) as readonly { type: string; subject: string }[];
      return codes[0] ?? rows.map(({ type, subject }) => `${type} ${subject.split("@")[0]}`).sort();
    };
    const three = ["new_service ada", "spend_spike ada", "spend_spike bob"];
    t.deepEqual(await list("limit: 1"), ["spend_spike bob"]);
    t.deepEqual(await list("filter: {}"), three);
    t.deepEqual(await list('filter: { types: ["new_service"] }'), ["new_service ada"]);
    t.deepEqual(await list("filter: { types: [] }"), []);
    t.deepEqual(await list("filter: { categories: [BUDGET], severities: [WARN, INFO] }"), [
      "spend_spike ada",
    ]);
    t.deepEqual(await list('filter: { subject: "Bob@Example.com" }'), ["spend_spike bob"]);
    t.deepEqual(await list('filter: { since: "2026-11-20T12:00:01Z" }'), ["spend_spike bob"]);
    t.is(await list('filter: { types: ["spike"] }'), "FS_INPUT_INVALID");
    t.is(await list("limit: 0"), "FS_INPUT_INVALID");
    const { data: told } = await running.graphql(key, "{ behaviouralSignalTypes { type } }");
    const types = told["behaviouralSignalTypes"] as readonly { type: string }[];
    t.deepEqual(types.map(({ type }) => type).sort(), signalTypeNames.toSorted());

    const [signal] = await all(store, orgId);
    const resolve = (note: string) =>
      running.graphql(
        key,
        `mutation { resolveSignal(id: "${signal?.signal_id}", resolution: ESCALATED, note: "${note}") {
      resolution resolvedAt resolvedBy note } }`,
      );
    const { data } = await resolve(" to finance ");
    t.like(data["resolveSignal"], {
      resolution: "ESCALATED",
      resolvedAt: "2026-11-20T12:00:00.000Z",
      note: "to finance",
    });
    await resolve("to finance");
    t.is((await resolve("x".repeat(2001))).codes[0], "FS_INPUT_INVALID");
    t.is(((await list("filter: { openOnly: true }")) as string[]).length, 2);
    const { data: audit } = await running.graphql(key, "{ auditLog { action target detail } }");
    const entries = (audit["auditLog"] as { action: string }[]).filter(({ action }) =>
      action.startsWith("signal."),
    );
    t.deepEqual(entries as unknown[], [
      {
        action: "signal.escalated",
        target: signal?.signal_id,
        detail: `${signal?.type}; ada@example.com; note: to finance`,
      },
    ]);
  },
);
