/** What agents are told to do: the rules that are for a person, what was spent, the seven settings, and how fast. */
import { randomUUID } from "node:crypto";
import test from "ava";
import { sql } from "kysely";
import * as v from "valibot";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { until } from "@flowstate/shared/testing/until";
import { dayMs } from "@flowstate/shared/time";
import { agentPolicy, defaultAgentSettings, type AgentSettings } from "@flowstate/shared/wire/agent-policy";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { readAudit } from "../src/audit/record.ts";
import { provisionOrgKey } from "../src/keys/provision.ts";
import { readAgentSettings, setAgentSettings } from "../src/policy/agent-settings.ts";
import { applyPolicy, etagOf, loadOrgPolicy } from "../src/policy/applied.ts";
import { listPolicyHits } from "../src/policy/hits.ts";
import { createPolicyDesk } from "../src/policy/desk.ts";
import { activatePolicy, draftPolicy } from "../src/policy/versions.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { refusal } from "./support/reconciling.ts";
import { startRunning, type Running } from "./support/running.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const [ada, bob] = ["ada@example.com", "bob@example.com"] as const;

const rule = (name: string, type: string, rest: object = {}): object => ({
  name,
  type,
  action: "BLOCK",
  ...rest,
});

async function put(store: Store, orgId: OrgId, ...rules: readonly object[]): Promise<void> {
  const by = { orgId, actor: "t", now };
  await store.transact(async (db) => {
    const version = await draftPolicy(db, by, { text: JSON.stringify({ rules }), note: null });
    await activatePolicy(db, by, version);
  });
}

interface Called {
  readonly callId?: string;
  readonly revision?: number;
  readonly subject?: string;
  readonly at?: string;
  readonly provider?: string;
  readonly costUsd?: string | null;
  readonly billing?: CallEvent["billing"];
}

const source = randomUUID();
let seq = 0;

async function call(store: Store, orgId: OrgId, ...calls: readonly Called[]): Promise<void> {
  for (const each of calls) {
    const { subject: whose = ada, at = "11-20T08:00", ...change } = each;
    const event = callEvent({
      seq: (seq += 1),
      sessionId: `s-${whose}`,
      occurredAt: `2026-${at}:00.000Z`,
      costUsd: "1",
      billing: "metered",
      ...change,
    });
    const subject = whose as Subject;
    const batch = { source, batch: randomUUID(), events: [event] };
    const { answer } = await ingestSessions(store, { orgId, subject, now, batch });
    if (answer.accepted !== 1) throw new Error(JSON.stringify(answer));
  }
}

async function told(store: Store, orgId: OrgId, subject: string, at = now) {
  const shared = await loadOrgPolicy(store.reader, orgId, at);
  return applyPolicy(store.reader, orgId, shared, { subject, now: at });
}

const spends = async (store: Store, orgId: OrgId, subject: string, at = now) =>
  Object.fromEntries(
    (await told(store, orgId, subject, at)).rules.map(({ rule, spentUsd }) => [rule.name, spentUsd]),
  );

async function staff(store: Store, orgId: OrgId): Promise<void> {
  const stamps = { org_id: orgId, version: 1n, created_at: now, updated_at: now };
  const person = { ...stamps, external_id: null, name: null, title: null, manager_id: null, active: 1n };
  await store.transact(async (db) => {
    await db
      .insertInto("teams")
      .values({
        ...stamps,
        external_id: null,
        team_id: "web",
        name: "Web",
        parent_id: null,
        cost_centre: null,
      })
      .execute();
    await db
      .insertInto("employees")
      .values([
        { ...person, employee_id: "1", email: ada, primary_team_id: "web" },
        { ...person, employee_id: "2", email: bob, primary_team_id: null },
      ])
      .execute();
    await db
      .insertInto("identities")
      .values({
        org_id: orgId,
        provider: "",
        kind: "email",
        value: "ada@old.example.com",
        employee_id: "1",
        email: null,
        label: null,
        source: "admin",
        updated_at: now,
      })
      .execute();
  });
}

testOnBothEngines(
  "a rule about requests is told as agents know it that know no other kind",
  async (t, { store, orgId }) => {
    const phrases = { phrases: ["nightingale"], action: "WARN" };
    await put(
      store,
      orgId,
      rule("Plain", "CONTENT_DLP", phrases),
      rule("Request", "CONTENT_DLP", { ...phrases, in: "request" }),
      rule("Answer", "CONTENT_DLP", { ...phrases, in: "answer" }),
    );
    const { rules } = await told(store, orgId, ada);
    t.deepEqual(
      rules.map(({ rule: { name, in: place } }) => [name, place]),
      [
        ["Plain", undefined],
        ["Request", undefined],
        ["Answer", "answer"],
      ],
    );
  },
);

testOnBothEngines(
  "before anything is set nothing is captured that need not be, and nothing blocked",
  async (t, opened) => {
    const { store, orgId } = opened;
    const policy = await told(store, orgId, "stranger@example.com");
    t.deepEqual(policy, {
      version: null,
      issuedAt: new Date(now).toISOString(),
      settings: defaultAgentSettings,
      rules: [],
      hasCostCentre: null,
    });
    t.deepEqual(v.parse(agentPolicy, policy), policy);
  },
);

testOnBothEngines("an agent is told the rules that are for its person", async (t, { store, orgId }) => {
  await staff(store, orgId);
  await put(
    store,
    orgId,
    rule("all", "COST_CENTRE_REQUIRED"),
    rule("web", "MODEL_DENYLIST", { models: ["x"], scope: { kind: "team", team: "Web" } }),
  );
  const names = async (subject: string) =>
    (await told(store, orgId, subject)).rules.map(({ rule }) => rule.name);
  t.deepEqual(await names(ada), ["all", "web"]);
  t.deepEqual(await names("ada@old.example.com"), ["all", "web"]);
  t.deepEqual(await names(bob), ["all"]);
  t.deepEqual(await names("stranger@example.com"), ["all"]);
  t.like(await told(store, orgId, bob), { version: 1, hasCostCentre: false });
});

testOnBothEngines(
  "spend is what was paid by the call in the rule's window, under every address",
  async (t, { store, orgId }) => {
    await staff(store, orgId);
    await put(
      store,
      orgId,
      rule("month", "MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "anthropic", capUsd: "9" }),
      rule("days", "BUDGET_CROSS_PROVIDER", { budgetUsd: "9", windowDays: 3 }),
      rule("together", "BUDGET_CROSS_PROVIDER", { budgetUsd: "9", windowDays: 30, per: "scope" }),
      rule("models", "MODEL_DENYLIST", { models: ["x"] }),
    );
    await call(
      store,
      orgId,
      { at: "10-31T23:59", costUsd: "1000" },
      { at: "11-01T00:00", costUsd: "0.1" },
      { at: "11-17T23:59", costUsd: "0.2" },
      { at: "11-18T00:00", costUsd: "0.4" },
      { at: "11-20T08:00", costUsd: "0.8", provider: "openai" },
      { at: "11-20T08:00", costUsd: "100", billing: "plan" },
      { at: "11-20T08:00", costUsd: null },
      { at: "11-20T08:00", costUsd: "1.6", subject: "ada@old.example.com" },
      { at: "11-20T08:00", costUsd: "50", subject: bob },
    );
    t.deepEqual(await spends(store, orgId, ada), {
      month: "2.30",
      days: "2.80",
      together: "1053.10",
      models: null,
    });
    t.deepEqual(await spends(store, orgId, bob), {
      month: "50.00",
      days: "50.00",
      together: "1053.10",
      models: null,
    });
    const december = Date.parse("2026-12-01T00:00:00Z");
    t.like(await spends(store, orgId, ada, december), { month: "0.00", days: "0.00" });
  },
);

testOnBothEngines(
  "sums by day follow calls that are corrected, moved and priced anew",
  async (t, { store, orgId }) => {
    const sums = async (table: "spend_days" | "usage_hours") => {
      const day = table === "spend_days" ? sql.raw("day_at") : sql.raw(`hour - hour % ${dayMs}`);
      const paid = table === "spend_days" ? sql.raw("paid_nano_usd") : sql.raw("cost_nano_usd");
      const only =
        table === "spend_days" ? sql.raw("1 = 1") : sql.raw("billing IN ('metered', 'byok', 'unknown')");
      const { rows } =
        await sql`SELECT subject, ${day} AS day_at, provider, CAST(sum(${paid}) AS BIGINT) AS paid
      FROM ${sql.table(table)} WHERE org_id = ${orgId} AND ${only}
      GROUP BY 1, 2, 3 HAVING sum(${paid}) <> 0 ORDER BY 1, 2, 3`.execute(store.reader);
      return rows;
    };
    const told: readonly Called[] = [
      { callId: "a", costUsd: "1" },
      { callId: "b", costUsd: "2", billing: "unknown" },
      { callId: "c", costUsd: "4", subject: bob },
      { callId: "a", revision: 2, costUsd: "8" },
      { callId: "b", revision: 2, costUsd: "2", billing: "plan" },
      { callId: "c", revision: 2, costUsd: null, subject: bob },
      { callId: "d", costUsd: "16", at: "11-20T00:00" },
      { callId: "d", revision: 2, costUsd: "16", at: "11-19T23:59" },
    ];
    for (const each of told) {
      await call(store, orgId, each);
      t.deepEqual(await sums("spend_days"), await sums("usage_hours"));
    }
    t.is((await sums("spend_days")).length, 2);
  },
);

testOnBothEngines("what rules met on devices is added up, each telling once", async (t, { store, orgId }) => {
  const device = randomUUID();
  const hits = (seq: number, change: object = {}): object => ({
    seq,
    kind: "policy",
    occurredAt: "2026-11-20T08:00:00.000Z",
    version: 3,
    rule: "No Opus",
    action: "BLOCK",
    enforced: true,
    calls: 2,
    ...change,
  });
  const send = (subject: string, ...events: readonly object[]) =>
    ingestSessions(store, {
      orgId,
      subject: subject as Subject,
      now,
      batch: { source: device, batch: randomUUID(), events: [...events] },
    });
  const first = [hits(1), hits(2, { enforced: false, calls: 5, occurredAt: "2026-11-19T23:59:59.000Z" })];
  t.like((await send(ada, ...first)).answer, { accepted: 2 });
  t.like((await send(ada, ...first)).answer, { duplicates: 2 });
  await send(ada, hits(3, { occurredAt: "2026-11-20T07:00:00.000Z" }));
  await send(
    bob,
    hits(4, { calls: 1 }),
    hits(5, { version: 4 }),
    hits(6, { occurredAt: "2026-10-01T00:00:00Z" }),
  );
  const bad = await send(
    ada,
    hits(7, { calls: 0 }),
    hits(8, { rule: "a\u0000b" }),
    hits(9, { action: "STOP" }),
  );
  t.deepEqual(
    bad.answer.rejected.map(({ seq, reason }) => [seq, reason.split(":")[0]]),
    [
      [7, "calls"],
      [8, "rule"],
      [9, "action"],
    ],
  );
  const listed = await listPolicyHits(store.reader, orgId, { now, days: 30 });
  const lastAt = Date.parse("2026-11-20T08:00:00Z");
  const common = { rule: "No Opus", action: "BLOCK", lastAt } as const;
  t.deepEqual(listed, [
    {
      ...common,
      version: 4,
      calls: 2n,
      enforcedCalls: 2n,
      people: [{ subject: bob, calls: 2n, enforcedCalls: 2n }],
    },
    {
      ...common,
      version: 3,
      calls: 10n,
      enforcedCalls: 5n,
      people: [
        { subject: ada, calls: 9n, enforcedCalls: 4n },
        { subject: bob, calls: 1n, enforcedCalls: 1n },
      ],
    },
  ]);
  const today = await listPolicyHits(store.reader, orgId, { now, days: 1 });
  t.deepEqual(
    today.map(({ version, calls }) => [version, calls]),
    [
      [4, 2n],
      [3, 5n],
    ],
  );
});

/** On this clock a long wait ends by news alone. */
const patient: Clock = {
  now: () => now,
  sleep: (ms, signal) =>
    ms < 1000 || signal === undefined
      ? systemClock.sleep(ms, signal)
      : new Promise((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener("abort", () => resolve(), { once: true });
        }),
};

testOnBothEngines("waiting agents are woken by what another control plane commits", async (t, opened) => {
  const { store, address, orgId } = opened;
  await using other = await openStore(address);
  const stopping = new AbortController();
  const { signal } = stopping;
  const desk = createPolicyDesk({
    reader: store.reader,
    clock: patient,
    onError: (error) => t.fail(String(error)),
  });
  const watching = desk.watch(signal);
  const asked = { orgId, waitMs: 50_000 };
  const { etag } = await desk.ask({ ...asked, subject: ada, etag: null }, signal);
  const waiting = Promise.all(
    Array.from({ length: 60 }, () => desk.ask({ ...asked, subject: ada, etag }, signal)),
  );
  await put(other, orgId, rule("No X", "MODEL_DENYLIST", { models: ["x"] }));
  for (const { policy } of await waiting) t.is(policy.version, 1);
  await put(
    store,
    orgId,
    rule("Cap", "MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "anthropic", capUsd: "9" }),
  );
  const capped = await desk.ask({ ...asked, subject: ada, etag: null }, signal);
  const poorer = desk.ask({ ...asked, subject: ada, etag: capped.etag }, signal);
  await call(store, orgId, { costUsd: "4" });
  desk.heard(orgId, bob);
  desk.heard(orgId, ada);
  t.is((await poorer).policy.rules[0]?.spentUsd, "4.00", "what was spent is told as soon as it is known");
  const left = new AbortController();
  const latest = (await desk.ask({ ...asked, subject: ada, etag: null }, signal)).etag;
  const given = desk.ask({ ...asked, subject: ada, etag: latest }, left.signal);
  left.abort();
  t.is((await given).etag, latest, "who has gone is not waited for");
  const last = desk.ask({ ...asked, subject: ada, etag: latest }, new AbortController().signal);
  stopping.abort();
  t.is((await last).etag, latest, "nor is anybody once it stops");
  await watching;
});

const badSettings: [change: Partial<AgentSettings>, said: string][] = [
  [
    { upstreamProxy: "http://user:pass@proxy" },
    "upstreamProxy takes an address such as http://proxy.example.com:3128, without credentials or path",
  ],
  [{ pinnedVersion: "latest" }, "pinnedVersion takes a version such as 1.12.1"],
  [
    { maintenanceWindow: { weekdays: [7], from: "22:00", until: "04:00" } },
    "maintenanceWindow takes one to seven weekdays, 0 to 6, and UTC times such as 22:00",
  ],
  [
    { maintenanceWindow: { weekdays: [1], from: "24:00", until: "04:00" } },
    "maintenanceWindow takes one to seven weekdays, 0 to 6, and UTC times such as 22:00",
  ],
];

testOnBothEngines(
  "settings change by themselves, and the audit log says how",
  async (t, { store, orgId }) => {
    const set = (change: Partial<AgentSettings>) =>
      store.transact((db) => setAgentSettings(db, { orgId, actor: "t", now }, change));
    await set({ enforcement: "enforce", pinnedVersion: "1.12.1" });
    await set({ enforcement: "enforce" });
    t.deepEqual(await readAgentSettings(store.reader, orgId), {
      ...defaultAgentSettings,
      enforcement: "enforce",
      pinnedVersion: "1.12.1",
    });
    for (const [change, said] of badSettings) t.is(await refusal(set(change)), `FS_INPUT_INVALID ${said}`);
    const entries = await readAudit(store.reader, orgId, { after: 0n, limit: 10 });
    t.deepEqual(
      entries.map(({ action, detail }) => [action, detail]),
      [["agent_settings.set", 'pinnedVersion null -> "1.12.1"; enforcement "observe" -> "enforce"']],
    );
  },
);

async function ask(
  { address }: Running,
  user: string,
  key: string,
  etag: string | null = null,
  waitSeconds = 0,
) {
  const answer = await fetch(`${address}/ingest/v1/policy`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${key}`).toString("base64")}`,
      ...(etag === null ? {} : { "if-none-match": etag }),
      ...(waitSeconds === 0 ? {} : { prefer: `respond-async, wait=${waitSeconds}` }),
    },
  });
  const body = answer.status === 200 ? v.parse(agentPolicy, await answer.json()) : null;
  return { status: answer.status, etag: answer.headers.get("etag"), policy: body };
}

test("over the wire: an agent waits for news, and has them at once", async (t) => {
  await using running = await startRunning();
  const { store } = running.installation;
  const { orgId } = running.context;
  const { key } = await store.transact((db) => provisionOrgKey(db, running.context));
  const admin = await running.apiKey("AI_POLICY_ADMIN", "AI_GOVERNANCE_VIEW");
  t.is((await ask(running, ada, `${key}x`)).status, 401);
  t.is((await ask(running, "$USER_EMAIL", key)).status, 401);
  const first = await ask(running, ada, key);
  t.is(first.policy?.settings.enforcement, "observe");
  t.like(await ask(running, ada, key, first.etag), { status: 304, etag: first.etag });

  const waiting = Array.from({ length: 50 }, (_, index) =>
    ask(running, `person${index}@example.com`, key, first.etag, 50),
  );
  const settings =
    "enforcement pinnedVersion maintenanceWindow { weekdays from until } upstreamProxy captureMode";
  const { data, messages } = await running.graphql(
    admin,
    `mutation { setAgentSettings(enforcement: ENFORCE, captureMode: ENTERPRISE, pinnedVersion: "1.2.3",
      maintenanceWindow: { weekdays: [0, 6], from: "22:00", until: "04:00" }) { ${settings} } }`,
  );
  t.deepEqual(messages, []);
  t.deepEqual(data["setAgentSettings"], {
    enforcement: "ENFORCE",
    captureMode: "ENTERPRISE",
    pinnedVersion: "1.2.3",
    maintenanceWindow: { weekdays: [0, 6], from: "22:00", until: "04:00" },
    upstreamProxy: null,
  });
  for (const answer of await Promise.all(waiting)) {
    t.like(answer, { status: 200, policy: { settings: { enforcement: "enforce", pinnedVersion: "1.2.3" } } });
  }

  const second = await ask(running, ada, key);
  const next = ask(running, ada, key, second.etag, 50);
  await put(store, orgId, rule("No X", "MODEL_DENYLIST", { models: ["x"] }));
  t.like((await next).policy, { version: 1, rules: [{ rule: { name: "No X", type: "MODEL_DENYLIST" } }] });

  const third = await ask(running, ada, key);
  const left = new AbortController();
  const gone = fetch(`${running.address}/ingest/v1/policy`, {
    headers: {
      authorization: `Basic ${Buffer.from(`${ada}:${key}`).toString("base64")}`,
      "if-none-match": third.etag ?? "",
      prefer: "wait=50",
    },
    signal: left.signal,
  });
  left.abort();
  await t.throwsAsync(gone);
  t.is(
    (await ask(running, ada, key, third.etag, 1)).status,
    304,
    "nothing new within the second that it waits",
  );
});

test("a control plane that stops keeps no agent waiting", async (t) => {
  const running = await startRunning();
  const { key } = await running.installation.store.transact((db) => provisionOrgKey(db, running.context));
  const { etag } = await ask(running, ada, key);
  const waiting = ask(running, ada, key, etag, 50).catch(() => ({ status: 0 }));
  const key2 = await running.apiKey("AUDIT_VIEW");
  await until(
    "the server to be busy",
    async () => (await running.graphql(key2, "{ viewer { keyId } }")).status === 200,
  );
  await running[Symbol.asyncDispose]();
  t.true([0, 304].includes((await waiting).status));
});

test("the tag of an answer changes with what it says, and not with when", async (t) => {
  const policy = {
    version: 1,
    issuedAt: "2026-11-20T09:30:00.000Z",
    settings: defaultAgentSettings,
    rules: [{ rule: { name: "a", type: "COST_CENTRE_REQUIRED" }, spentUsd: null }],
    hasCostCentre: null,
  };
  t.is(etagOf({ ...policy, issuedAt: "2026-11-21T09:30:00.000Z" }), etagOf(policy));
  for (const other of [
    { ...policy, version: 2 },
    { ...policy, rules: [] },
    { ...policy, hasCostCentre: false },
    { ...policy, settings: { ...defaultAgentSettings, updateChannel: "beta" as const } },
  ]) {
    t.not(etagOf(other), etagOf(policy));
  }
});
