/** The organisation's policy: its versions, who a rule is for, what proxies are told, and what it would have done. */
import { randomUUID } from "node:crypto";
import { Ajv2020 } from "ajv/dist/2020.js";
import test from "ava";
import type { OrgId } from "@flowstate/shared/ids";
import type { PolicyDocument } from "@flowstate/shared/policy/document";
import { parsePolicyDocument } from "@flowstate/shared/policy/parse";
import type { Subject } from "@flowstate/shared/subject";
import { until } from "@flowstate/shared/testing/until";
import { dayMs } from "@flowstate/shared/time";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { readAudit } from "../src/audit/record.ts";
import { buildSnapshot } from "../src/ingest/snapshot.ts";
import { readRevisions } from "../src/orgs/orgs.ts";
import { conditionOf, summaryOf } from "../src/policy/describe.ts";
import { diffPolicies, fieldsOf, printDiff } from "../src/policy/diff.ts";
import { dryRunPolicy } from "../src/policy/dry-run/run.ts";
import { pushMoved } from "../src/policy/push.ts";
import { listPolicies, readActivePolicy } from "../src/policy/queries.ts";
import { loadScopeNames, printScope } from "../src/policy/scopes.ts";
import {
  activatePolicy,
  discardPolicyDraft,
  draftPolicy,
  requirePolicy,
  rollBackPolicy,
} from "../src/policy/versions.ts";
import { createServiceAccount } from "../src/service-accounts/accounts.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { refusal } from "./support/reconciling.ts";
import { startRunning } from "./support/running.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const pepper = Buffer.alloc(32, 7);
const [ada, bob, eve] = ["ada@example.com", "bob@example.com", "eve@example.com"] as const;

const rule = (name: string, type: string, rest: object = {}): object => ({
  name,
  type,
  action: "BLOCK",
  ...rest,
});
const noDeepseek = rule("No DeepSeek", "PROVIDER_DENYLIST", { providers: ["deepseek"] });
const noOpus = rule("No Opus", "MODEL_DENYLIST", { models: ["claude-opus-*"], action: "WARN" });
const textOf = (...rules: readonly object[]): string => JSON.stringify({ rules });

function read(...rules: readonly object[]): PolicyDocument {
  const parsed = parsePolicyDocument(textOf(...rules));
  if (!parsed.ok) throw new Error(parsed.faults.join("\n"));
  return parsed.value;
}

const by = (orgId: OrgId, actor = "admin@example.com", at = now) => ({ orgId, actor, now: at });

const draft = (store: Store, orgId: OrgId, ...rules: readonly object[]): Promise<number> =>
  store.transact((db) => draftPolicy(db, by(orgId), { text: textOf(...rules), note: null }));

const activate = (store: Store, orgId: OrgId, version: number, actor = "owner@example.com"): Promise<void> =>
  store.transact((db) => activatePolicy(db, by(orgId, actor), version));

const rollBack = (store: Store, orgId: OrgId, version: number): Promise<number> =>
  store.transact((db) => rollBackPolicy(db, by(orgId), { version, note: null }));

const states = async (store: Store, orgId: OrgId): Promise<readonly string[]> =>
  (await listPolicies(store.reader, orgId, 100)).map(({ version, state }) => `${version} ${state}`);

testOnBothEngines(
  "a draft changes nothing; activated it takes the place of the one before",
  async (t, { store, orgId }) => {
    t.is(await draft(store, orgId, noDeepseek), 1);
    t.is(await readActivePolicy(store.reader, orgId), null);
    const before = (await readRevisions(store.reader)).get(orgId) ?? 0;
    await activate(store, orgId, 1);
    t.true(((await readRevisions(store.reader)).get(orgId) ?? 0) > before, "proxies are told");
    t.is(await draft(store, orgId, noOpus), 2);
    t.deepEqual(await states(store, orgId), ["2 DRAFT", "1 ACTIVE"]);
    await activate(store, orgId, 2);
    t.deepEqual(await states(store, orgId), ["2 ACTIVE", "1 ARCHIVED"]);
    t.like(await readActivePolicy(store.reader, orgId), {
      version: 2,
      baseVersion: 1,
      draftedBy: "admin@example.com",
      activatedBy: "owner@example.com",
      activatedAt: now,
    });
    const entries = await readAudit(store.reader, orgId, { after: 0n, limit: 100 });
    t.deepEqual(
      entries.map(({ actor, action, target, detail }) => `${actor} ${action} ${target}: ${detail}`),
      [
        'admin@example.com policy.drafted policy 1: added "No DeepSeek"',
        'owner@example.com policy.activated policy 1: added "No DeepSeek"',
        'admin@example.com policy.drafted policy 2: added "No Opus"; removed "No DeepSeek"',
        'owner@example.com policy.activated policy 2: instead of version 1: added "No Opus"; removed "No DeepSeek"',
      ],
    );
  },
);

testOnBothEngines("rolling back drafts a copy, and a number is given once", async (t, { store, orgId }) => {
  for (const one of [noDeepseek, noOpus]) await activate(store, orgId, await draft(store, orgId, one));
  t.is(await rollBack(store, orgId, 1), 3);
  const [copy] = await listPolicies(store.reader, orgId, 1);
  t.like(copy, { version: 3, state: "DRAFT", note: "back to version 1", document: read(noDeepseek) });
  const discard = (version: number) => store.transact((db) => discardPolicyDraft(db, by(orgId), version));
  t.true(await discard(3));
  t.false(await discard(3));
  t.false(await discard(2), "the active one is no draft");
  t.is(await draft(store, orgId), 4, "a discarded number is not given again");
  const refused: [what: Promise<unknown>, said: string][] = [
    [activate(store, orgId, 2), "FS_CONFLICT policy 2 is active already"],
    [activate(store, orgId, 1), "FS_CONFLICT policy 1 was replaced; roll back to it, which drafts a copy"],
    [activate(store, orgId, 3), "FS_NOT_FOUND there is no policy 3"],
    [rollBack(store, orgId, 2), "FS_CONFLICT policy 2 is the active one: there is nothing to go back to"],
    [rollBack(store, orgId, 4), "FS_CONFLICT policy 4 was never active: there is nothing to go back to"],
    [rollBack(store, orgId, 9), "FS_NOT_FOUND there is no policy 9"],
  ];
  for (const [what, said] of refused) t.is(await refusal(what), said);
});

testOnBothEngines(
  "of drafts that many admins make and activate at once exactly one is active",
  async (t, { store, orgId }) => {
    const versions = await Promise.all([1, 2, 3, 4, 5].map(() => draft(store, orgId, noOpus)));
    t.deepEqual(
      versions.toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5],
    );
    await Promise.all(versions.map((version) => activate(store, orgId, version)));
    const all = await states(store, orgId);
    t.is(all.filter((state) => state.endsWith(" ACTIVE")).length, 1);
    t.is(all.filter((state) => state.endsWith(" ARCHIVED")).length, 4);
  },
);

/** Platform above Web with cost centre 4100, Sales beside them; Ada in Web, Bob in Sales, Eve in none. */
async function staff(store: Store, orgId: OrgId): Promise<void> {
  const stamps = { org_id: orgId, external_id: null, version: 1n, created_at: now, updated_at: now };
  const person = { ...stamps, name: null, title: null, manager_id: null, active: 1n };
  await store.transact(async (db) => {
    await db
      .insertInto("teams")
      .values([
        { ...stamps, team_id: "t-platform", name: "Platform", parent_id: null, cost_centre: "4100" },
        { ...stamps, team_id: "t-web", name: "Web", parent_id: "t-platform", cost_centre: null },
        { ...stamps, team_id: "t-sales", name: "Sales", parent_id: null, cost_centre: null },
      ])
      .execute();
    await db
      .insertInto("employees")
      .values([
        { ...person, employee_id: "1", email: ada, primary_team_id: "t-web" },
        { ...person, employee_id: "2", email: bob, primary_team_id: "t-sales" },
        { ...person, employee_id: "3", email: eve, primary_team_id: null },
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

/** Bob works for a project that has cost centre 5200, from the tenth to the fifteenth. */
async function allocate(store: Store, orgId: OrgId): Promise<void> {
  const { external_id: _, ...stamps } = {
    org_id: orgId,
    external_id: null,
    version: 1n,
    created_at: now,
    updated_at: now,
  };
  await store.transact(async (db) => {
    await db
      .insertInto("projects")
      .values({
        ...stamps,
        project_id: "p",
        name: "Shop",
        team_id: null,
        cost_centre: "5200",
        marker: null,
        archived_at: null,
      })
      .execute();
    await db
      .insertInto("allocations")
      .values({
        ...stamps,
        allocation_id: "a",
        employee_id: "2",
        project_id: "p",
        team_id: null,
        fte_ppm: 1_000_000n,
        from_day: "2026-11-10",
        until_day: "2026-11-15",
      })
      .execute();
  });
}

const inTeam = (team: string) => ({ scope: { kind: "team", team } });

testOnBothEngines(
  "a scope names a team or account by name, and keeps it by identifier",
  async (t, { store, orgId }) => {
    await staff(store, orgId);
    const { accountId } = await store.transact((db) =>
      createServiceAccount(
        db,
        { ...by(orgId), pepper },
        { name: "Bot", environment: "staging", description: null, intendedScope: null, abuseDetection: true },
      ),
    );
    const scopes = [
      { kind: "team", team: "Web" },
      { kind: "team", team: "t-web" },
      { kind: "cost_centre", costCentre: "4100" },
      { kind: "service_account", serviceAccount: "Bot" },
    ];
    const rules = scopes.map((scope, index) => rule(`r${index}`, "COST_CENTRE_REQUIRED", { scope }));
    const document = await requirePolicy(store.reader, orgId, textOf(...rules));
    const names = await loadScopeNames(store.reader, orgId);
    t.deepEqual(
      document.rules.map(({ scope }) => [Object.values(scope)[1], printScope(scope, names)]),
      [
        ["t-web", "team Web"],
        ["t-web", "team Web"],
        ["4100", "cost centre 4100"],
        [accountId, "service account Bot"],
      ],
    );
    await store.transact((db) =>
      db
        .updateTable("teams")
        .set({ name: "Web" })
        .where("org_id", "=", orgId)
        .where("team_id", "=", "t-sales")
        .execute(),
    );
    const bad = [
      rule("a", "COST_CENTRE_REQUIRED", inTeam("Web")),
      rule("b", "COST_CENTRE_REQUIRED", inTeam("Ops")),
      rule("c", "COST_CENTRE_REQUIRED", { scope: { kind: "cost_centre", costCentre: "1" } }),
    ];
    t.is(
      await refusal(draft(store, orgId, ...bad)),
      'FS_INPUT_INVALID rule 1 ("a"): scope: 2 have the name "Web"; give the team\'s id (and 2 more)',
    );
    const version = await draft(store, orgId, rule("gone", "COST_CENTRE_REQUIRED", inTeam("t-sales")));
    await store.transact((db) => db.deleteFrom("teams").where("team_id", "=", "t-sales").execute());
    t.is(
      await refusal(activate(store, orgId, version)),
      `FS_CONFLICT policy ${version}: rule 1 ("gone"): scope: there is no team "t-sales"`,
    );
    const [kept] = (await listPolicies(store.reader, orgId, 1))[0]?.document.rules ?? [];
    t.is(kept && printScope(kept.scope, await loadScopeNames(store.reader, orgId)), "team t-sales (gone)");
  },
);

testOnBothEngines(
  "proxies are told of rules about providers, by group where a rule is for some",
  async (t, { store, orgId }) => {
    await staff(store, orgId);
    const told = async () => (await buildSnapshot(store.reader, orgId, pepper, now)).orgs[0]?.policy;
    const onlyClaude = rule("Only Claude", "PROVIDER_ALLOWLIST", {
      providers: ["anthropic", "llm.example.com"],
      action: "OBSERVE",
      ...inTeam("Platform"),
    });
    await activate(store, orgId, await draft(store, orgId, noDeepseek, onlyClaude, noOpus));
    const denies = { name: "No DeepSeek", list: "deny", providers: ["deepseek"], hosts: [], enforce: true };
    const allows = {
      name: "Only Claude",
      list: "allow",
      providers: ["anthropic"],
      hosts: [{ host: "llm.example.com" }],
      enforce: false,
    };
    t.deepEqual((await told())?.destinations.services, [denies] as never);
    t.deepEqual(
      (await told())?.groups.map(({ name, subjects, destinations }) => [
        name,
        subjects,
        destinations.services,
      ]),
      [["Only Claude", [ada, "ada@old.example.com"], [denies, allows]]] as never,
    );
    t.false(await pushMoved(store, orgId, now), "nobody has moved");
    await store.transact((db) =>
      db.updateTable("employees").set({ primary_team_id: "t-web" }).where("employee_id", "=", "3").execute(),
    );
    const before = (await readRevisions(store.reader)).get(orgId);
    t.true(await pushMoved(store, orgId, now));
    t.is((await readRevisions(store.reader)).get(orgId), (before ?? 0) + 1);
    t.false(await pushMoved(store, orgId, now), "it is told once");
    t.deepEqual((await told())?.groups[0]?.subjects, [ada, "ada@old.example.com", eve]);
    await activate(store, orgId, await draft(store, orgId, noOpus));
    t.deepEqual((await told())?.groups, []);
    t.is((await told())?.destinations.services, undefined);
  },
);

interface Called {
  readonly subject?: string;
  readonly at?: string;
  readonly provider?: string;
  readonly host?: string | null;
  readonly model?: string | null;
  readonly costUsd?: string | null;
  readonly billing?: CallEvent["billing"];
}

async function call(store: Store, orgId: OrgId, ...calls: readonly Called[]): Promise<void> {
  for (const [subject, own] of Map.groupBy(calls, (each) => each.subject ?? ada)) {
    const events = own.map(
      (
        { at = "20T08:00", provider = "anthropic", host = null, model = "claude-sonnet-4-5", ...each },
        index,
      ) =>
        callEvent({
          seq: index + 1,
          occurredAt: `2026-11-${at}:00.000Z`,
          provider,
          host,
          model,
          costUsd: each.costUsd === undefined ? "1" : each.costUsd,
          billing: each.billing ?? "metered",
        }),
    );
    const batch = { source: randomUUID(), batch: randomUUID(), events };
    const { answer } = await ingestSessions(store, { orgId, subject: subject as Subject, now, batch });
    if (answer.accepted !== events.length) throw new Error(JSON.stringify(answer));
  }
}

/** Each rule as its name, calls, people and unknown calls; then each person with what they would have met. */
async function dry(store: Store, orgId: OrgId, ...rules: readonly object[]): Promise<readonly string[]> {
  const document = await requirePolicy(store.reader, orgId, textOf(...rules));
  const { rules: outcomes, people } = await dryRunPolicy(store.reader, orgId, document, { now, days: 30 });
  return [
    ...outcomes.map(
      ({ rule: { name }, calls, people, unknownCalls }) =>
        `${name}: ${calls} by ${people}, ${unknownCalls} unknown`,
    ),
    ...people.map(
      ({ person, blocked, warnedCalls, observedCalls }) =>
        `${person}: ${blocked.calls} blocked, ${warnedCalls} warned, ${observedCalls} observed`,
    ),
  ];
}

testOnBothEngines(
  "a dry run judges every call of the window once, by its strictest rule",
  async (t, opened) => {
    const { store, orgId } = opened;
    await staff(store, orgId);
    await call(
      store,
      orgId,
      { model: "claude-opus-4-5" },
      { model: "claude-opus-4-5", subject: bob },
      { model: "claude-opus-4-5", subject: bob, at: "01T08:00" },
      { provider: "deepseek", model: "deepseek-chat", subject: "ada@old.example.com" },
      { provider: "deepseek", model: null, subject: bob },
    );
    t.deepEqual(await dry(store, orgId, noDeepseek, noOpus), [
      "No DeepSeek: 2 by 2, 0 unknown",
      "No Opus: 3 by 2, 1 unknown",
      `${bob}: 1 blocked, 2 warned, 0 observed`,
      `${ada}: 1 blocked, 1 warned, 0 observed`,
    ]);
    const watched = rule("Watch", "MODEL_ALLOWLIST", {
      models: ["gpt-*"],
      action: "OBSERVE",
      ...inTeam("Platform"),
    });
    t.deepEqual(await dry(store, orgId, watched), [
      "Watch: 2 by 1, 0 unknown",
      `${ada}: 0 blocked, 0 warned, 2 observed`,
    ]);
    const closed = rule("Closed", "MODEL_DENYLIST", { models: ["x"], onUnknown: "closed" });
    t.deepEqual(await dry(store, orgId, closed), [
      "Closed: 1 by 1, 1 unknown",
      `${bob}: 1 blocked, 0 warned, 0 observed`,
    ]);
  },
);

testOnBothEngines("a dry run looks at hosts where a rule names them", async (t, { store, orgId }) => {
  await call(
    store,
    orgId,
    { host: "eu.llm.example.com", provider: "openai" },
    { host: "llm.example.com", provider: "openai" },
    { host: null, provider: "openai" },
  );
  const deny = rule("Hosts", "PROVIDER_DENYLIST", { providers: ["*.llm.example.com"] });
  t.deepEqual(await dry(store, orgId, deny), [
    "Hosts: 1 by 1, 1 unknown",
    `${ada}: 1 blocked, 0 warned, 0 observed`,
  ]);
});

testOnBothEngines(
  "a cap counts what is paid on one provider in the calendar month, by the hour",
  async (t, { store, orgId }) => {
    await call(
      store,
      orgId,
      { at: "01T08:00", costUsd: "3" },
      { at: "02T08:00", costUsd: "100", billing: "plan" },
      { at: "02T09:00", costUsd: "100", provider: "openai" },
      { at: "03T08:00", costUsd: "2" },
      { at: "03T08:30", costUsd: "2" },
      { at: "03T09:00", costUsd: "1" },
      { at: "04T09:00", costUsd: "1" },
      { at: "04T09:00", costUsd: "9", subject: bob },
    );
    const cap = rule("Cap", "MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "anthropic", capUsd: "5" });
    t.deepEqual(await dry(store, orgId, cap), [
      "Cap: 2 by 1, 0 unknown",
      `${ada}: 2 blocked, 0 warned, 0 observed`,
    ]);
    const document = await requirePolicy(store.reader, orgId, textOf(cap));
    const inDecember = { now: Date.parse("2026-12-02T00:00:00Z"), days: 2 };
    t.is((await dryRunPolicy(store.reader, orgId, document, inDecember)).calls, 0n);
    const short = await dryRunPolicy(store.reader, orgId, document, {
      now: Date.parse("2026-11-04T12:00:00Z"),
      days: 1,
    });
    t.like(
      short,
      { calls: 2n, blocked: { calls: 1n }, firstDay: "2026-11-04" },
      "spend before the window counts",
    );
  },
);

testOnBothEngines(
  "a budget counts over rolling days, for each person or for all together",
  async (t, { store, orgId }) => {
    await call(
      store,
      orgId,
      { at: "10T08:00", costUsd: "6" },
      { at: "11T08:00", costUsd: "6", provider: "openai", subject: bob },
      { at: "12T08:00", costUsd: "1" },
      { at: "12T09:00", costUsd: "6", provider: "openai", subject: bob },
      { at: "13T08:00", costUsd: "1" },
    );
    const budget = (rest: object) =>
      rule("Budget", "BUDGET_CROSS_PROVIDER", { budgetUsd: "6", windowDays: 3, ...rest });
    t.deepEqual(await dry(store, orgId, budget({})), [
      "Budget: 2 by 2, 0 unknown",
      `${ada}: 1 blocked, 0 warned, 0 observed`,
      `${bob}: 1 blocked, 0 warned, 0 observed`,
    ]);
    t.deepEqual(await dry(store, orgId, budget({ per: "scope" })), [
      "Budget: 3 by 2, 0 unknown",
      `${bob}: 2 blocked, 0 warned, 0 observed`,
      `${ada}: 1 blocked, 0 warned, 0 observed`,
    ]);
    const openai = budget({ providers: ["openai"], per: "scope" });
    t.deepEqual(await dry(store, orgId, openai), [
      "Budget: 1 by 1, 0 unknown",
      `${bob}: 1 blocked, 0 warned, 0 observed`,
    ]);
    const none = rule("No OpenAI", "PROVIDER_DENYLIST", { providers: ["openai"] });
    t.deepEqual(
      (await dry(store, orgId, none, openai)).slice(0, 2),
      ["No OpenAI: 2 by 1, 0 unknown", "Budget: 0 by 0, 0 unknown"],
      "what one rule stops is not spent for another",
    );
  },
);

testOnBothEngines(
  "a cost centre is asked for by the day, and what was sent cannot be judged afterwards",
  async (t, { store, orgId }) => {
    await staff(store, orgId);
    await allocate(store, orgId);
    await call(
      store,
      orgId,
      { subject: bob, at: "09T23:00" },
      { subject: bob, at: "10T00:00" },
      { subject: bob, at: "15T23:00" },
      { subject: bob, at: "16T00:00" },
      { subject: "stranger@example.com" },
    );
    const centre = rule("Centre", "COST_CENTRE_REQUIRED");
    const content = rule("Content", "CONTENT_DLP", { phrases: ["nightingale"] });
    t.deepEqual(await dry(store, orgId, centre, content), [
      "Centre: 2 by 1, 1 unknown",
      "Content: 0 by 0, 0 unknown",
      `${bob}: 2 blocked, 0 warned, 0 observed`,
    ]);
    const document = await requirePolicy(store.reader, orgId, textOf(content));
    const { rules } = await dryRunPolicy(store.reader, orgId, document, { now, days: 1 });
    t.regex(rules[0]?.notTried ?? "", /what was sent is not kept/);
    const brand = { phrases: ["nightingale"], in: "answer", action: "WARN" };
    const about = await requirePolicy(store.reader, orgId, textOf(rule("Brand", "CONTENT_DLP", brand)));
    const answers = await dryRunPolicy(store.reader, orgId, about, { now, days: 1 });
    t.like(answers.rules[0], { calls: 0n, unknownCalls: 0n });
    t.regex(answers.rules[0]?.notTried ?? "", /what was answered is not kept/);
  },
);

const conditions: [given: object, text: string][] = [
  [
    rule("r", "PROVIDER_ALLOWLIST", { providers: ["openai", "anthropic"] }),
    "the provider is one of openai or anthropic",
  ],
  [rule("r", "PROVIDER_DENYLIST", { providers: ["deepseek"] }), "the provider is not deepseek"],
  [rule("r", "MODEL_ALLOWLIST", { models: ["gpt-5*"] }), "the model is gpt-5*"],
  [
    rule("r", "MODEL_DENYLIST", { models: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] }),
    "the model is not one of a, b, c, d, e, f, g, h or 2 more",
  ],
  [
    rule("r", "MONTHLY_SPEND_CAP_PER_SUBJECT", { provider: "openai", capUsd: "100" }),
    "each person's spend on openai stays below 100.00 USD in a calendar month",
  ],
  [
    rule("r", "BUDGET_CROSS_PROVIDER", { budgetUsd: "1000", windowDays: 30 }),
    "each person's spend on every provider stays below 1000.00 USD over 30 days",
  ],
  [
    rule("r", "BUDGET_CROSS_PROVIDER", {
      budgetUsd: "5",
      windowDays: 1,
      per: "scope",
      providers: ["openai", "google"],
    }),
    "the spend of all together on openai and google stays below 5.00 USD over a day",
  ],
  [rule("r", "COST_CENTRE_REQUIRED"), "the person works for a project that has a cost centre"],
  [
    rule("r", "CONTENT_DLP", { detectors: ["secret", "payment_card"], phrases: ["x y z"] }),
    "what is sent holds no secret, payment card number or listed phrase",
  ],
  [
    rule("r", "CONTENT_DLP", { in: "answer", action: "WARN", phrases: ["x y z", "z y x"] }),
    "what is answered holds no phrase of 2 listed",
  ],
];
for (const [given, text] of conditions) {
  test(`condition: ${text}`, (t) => {
    const [first] = read(given).rules;
    t.is(first && conditionOf(first), text);
  });
}

test("a policy without a summary is summed up by its rules", (t) => {
  t.is(summaryOf(read()), "No rules: everything passes.");
  t.is(summaryOf(read(noDeepseek, noOpus)), "2 rules: 1 to block, 1 to warn.");
  t.is(summaryOf({ ...read(noDeepseek), summary: "Why." }), "Why.");
});

test("a diff says which rules came, went and changed, and in which fields", (t) => {
  const names = {
    teams: new Map([["t", "Web"]]),
    serviceAccounts: new Map(),
    costCentres: new Set<string>(),
  };
  const before = read(noDeepseek, noOpus, rule("Same", "COST_CENTRE_REQUIRED"));
  const after = read(
    rule("Same", "COST_CENTRE_REQUIRED"),
    rule("No DeepSeek", "PROVIDER_DENYLIST", {
      providers: ["moonshot"],
      action: "WARN",
      message: "Ask IT.",
      ...inTeam("t"),
    }),
    rule("New", "COST_CENTRE_REQUIRED"),
  );
  const changes = diffPolicies(before, after);
  t.deepEqual(
    changes.map(({ kind, name }) => `${kind} ${name}`),
    ["CHANGED No DeepSeek", "REMOVED No Opus", "ADDED New"],
  );
  t.is(printDiff(changes), 'added "New"; changed "No DeepSeek"; removed "No Opus"');
  t.deepEqual(changes.flatMap((change) => fieldsOf(change, names)).toSorted(), [
    "action: BLOCK -> WARN",
    "message: nothing -> Ask IT.",
    "providers: + moonshot, - deepseek",
    "scope: organisation -> team Web",
  ]);
  t.is(printDiff(diffPolicies(before, before)), "no rule differs");
  const many = read(...Array.from({ length: 22 }, (_, at) => rule(`r${at}`, "COST_CENTRE_REQUIRED")));
  t.regex(printDiff(diffPolicies(read(), many)), /^added "r0", .*"r19", 2 more$/);
});

testOnBothEngines(
  "a policy from before rules about answers is about requests, and differs from none that says so",
  async (t, { store, orgId }) => {
    const brand = { phrases: ["nightingale"], action: "WARN" };
    const draft = (rest: object) =>
      store.transact((db) =>
        draftPolicy(db, by(orgId), {
          text: textOf(rule("Brand", "CONTENT_DLP", { ...brand, ...rest })),
          note: null,
        }),
      );
    const version = await draft({});
    const { document } = await store.reader
      .selectFrom("policy_versions")
      .select("document")
      .where("org_id", "=", orgId)
      .executeTakeFirstOrThrow();
    const earlier = document.replace('"in":"request",', "");
    t.not(earlier, document);
    await store.transact(async (db) => {
      await db
        .updateTable("policy_versions")
        .set({ document: earlier })
        .where("org_id", "=", orgId)
        .execute();
      await activatePolicy(db, by(orgId), version);
    });
    const active = await readActivePolicy(store.reader, orgId);
    t.like(active?.document.rules[0], { in: "request" });
    const before = active?.document ?? read();
    const same = read(rule("Brand", "CONTENT_DLP", { ...brand, in: "request" }));
    t.deepEqual(diffPolicies(before, same), []);
    const names = await loadScopeNames(store.reader, orgId);
    const [change] = diffPolicies(before, read(rule("Brand", "CONTENT_DLP", { ...brand, in: "answer" })));
    t.deepEqual(change && fieldsOf(change, names), ["in: request -> answer"]);
  },
);

test("over the wire: schema, faults, draft, diff, dry run, activation, roll-back", async (t) => {
  await using running = await startRunning();
  const key = await running.apiKey("AI_POLICY_ADMIN", "AI_GOVERNANCE_VIEW");
  const ask = (query: string, variables: Record<string, unknown> = {}) =>
    running.graphql(key, query, variables);

  const served = await fetch(`${running.address}/api/v1/policy.schema.json`);
  t.regex(served.headers.get("content-type") ?? "", /^application\/schema\+json/);
  const validate = new Ajv2020().compile((await served.json()) as object);
  t.true(validate(JSON.parse(textOf(noDeepseek, noOpus))));
  t.false(validate({ rules: [{ name: "x" }] }));

  const bad = textOf(rule("a", "MODEL_DENYLIST"), rule("b", "MODEL_DENYLIST", { models: [] }));
  const faults = ['rule 1 ("a"): models is missing', 'rule 2 ("b"): models must hold at least 1 entry'];
  const drafting =
    'mutation ($d: String!) { draftPolicy(document: $d, note: "first") { version state summary } }';
  const refused = await ask(drafting, { d: bad });
  t.deepEqual(refused.codes, ["FS_INPUT_INVALID"]);
  t.deepEqual(refused.messages, [`${faults[0]} (and 1 more)`]);
  t.deepEqual((await ask("query ($d: String!) { policyFaults(document: $d) }", { d: bad })).data, {
    policyFaults: faults,
  });
  t.deepEqual((await ask("{ activePolicy { version } policyHistory { version } }")).data, {
    activePolicy: null,
    policyHistory: [],
  });

  t.deepEqual((await ask(drafting, { d: textOf(noDeepseek) })).data, {
    draftPolicy: { version: 1, state: "DRAFT", summary: "1 rule: 1 to block." },
  });
  const { orgId } = running.context;
  await call(running.installation.store, orgId, { provider: "deepseek", at: "20T08:00" });
  const shown =
    "startDate calls blockedCalls blockedUsd peopleBlocked rules { calls rule { name } } people { subject blockedCalls }";
  const daysSince = Math.ceil((Date.now() - now) / dayMs) + 2;
  const dryRun = await ask(`query ($days: Int) { policyDryRun(version: 1, days: $days) { ${shown} } }`, {
    days: Math.min(92, Math.max(1, daysSince)),
  });
  t.like(dryRun.data["policyDryRun"], {
    calls: "1",
    blockedCalls: "1",
    blockedUsd: "1.00",
    peopleBlocked: 1,
    rules: [{ calls: "1", rule: { name: "No DeepSeek" } }],
    people: [{ subject: ada, blockedCalls: "1" }],
  });
  for (const [given, said] of [
    ["days: 5", "give either document or version"],
    ["version: 1, days: 0", "days takes 1 to 92"],
    ["version: 1, days: 93", "days takes 1 to 92"],
  ]) {
    t.deepEqual((await ask(`{ policyDryRun(${given}) { calls } }`)).messages, [said]);
  }

  const { token } = await running.proxyToken();
  const servicesTold = async () => {
    const answer = await fetch(`${running.address}/ingest/v1/snapshot`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const { orgs } = (await answer.json()) as {
      orgs: [{ policy: { destinations: { services?: object[] } } }];
    };
    return orgs[0].policy.destinations.services;
  };
  t.is(await servicesTold(), undefined, "a draft changes nothing");
  await ask("mutation { activatePolicy(version: 1) { version } }");
  await until("proxies to be told", async () => (await servicesTold())?.length === 1);

  await ask(drafting, { d: textOf({ ...noDeepseek, action: "OBSERVE" }) });
  t.deepEqual(
    (
      await ask(
        "{ policyDiff(version: 2) { from to changes { kind name fields before { action } after { action } } } }",
      )
    ).data,
    {
      policyDiff: {
        from: 1,
        to: 2,
        changes: [
          {
            kind: "CHANGED",
            name: "No DeepSeek",
            fields: ["action: BLOCK -> OBSERVE"],
            before: { action: "BLOCK" },
            after: { action: "OBSERVE" },
          },
        ],
      },
    },
  );
  await ask("mutation { activatePolicy(version: 2) { version } }");
  await ask("mutation { rollBackPolicy(version: 1) { version } }");
  const { data } = await ask(
    "{ activePolicy { version approver rules { name type condition action scope } } policyHistory { version state note baseVersion } policyVersion(version: 9) { version } }",
  );
  t.deepEqual(data["policyHistory"], [
    { version: 3, state: "DRAFT", note: "back to version 1", baseVersion: 2 },
    { version: 2, state: "ACTIVE", note: "first", baseVersion: 1 },
    { version: 1, state: "ARCHIVED", note: "first", baseVersion: null },
  ]);
  t.is(data["policyVersion"], null);
  t.like(data["activePolicy"], {
    version: 2,
    rules: [
      {
        name: "No DeepSeek",
        type: "PROVIDER_DENYLIST",
        condition: "the provider is not deepseek",
        action: "OBSERVE",
        scope: "organisation",
      },
    ],
  });
  t.deepEqual((await ask("mutation { discardPolicyDraft(version: 3) }")).data, { discardPolicyDraft: true });
});
