/** What conversations show, from a device's batch to what is shown of a person, a team and the organisation. */
import { randomUUID } from "node:crypto";
import test from "ava";
import fc from "fast-check";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { dateOf, dayMs } from "@flowstate/shared/time";
import { fluencyIndicators, type FluencyCount, type FluencyEvent } from "@flowstate/shared/wire/fluency";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { loadFluency } from "../src/insights/fluency/load.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { asMember } from "./support/as-member.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { callEvent } from "./support/call-event.ts";
import { shiftedClock } from "./support/clock.ts";
import { startRunning } from "./support/running.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const ada = "ada@example.com";
const bob = "bob@example.com";

const all = (count: FluencyCount): FluencyEvent["indicators"] =>
  Object.fromEntries(fluencyIndicators.map((name) => [name, count])) as FluencyEvent["indicators"];

const event = (seq: number, change: Partial<FluencyEvent> = {}): FluencyEvent => ({
  seq,
  kind: "fluency",
  sessionId: `s${seq}`,
  tool: "claude-code",
  occurredAt: "2026-11-19T08:00:00.000Z",
  ruleVersion: 1,
  revision: 1,
  indicators: all({ observed: 1, opportunities: 2 }),
  ...change,
});

const call = (seq: number, sessionId: string): CallEvent =>
  callEvent({ seq, callId: `msg_${seq}`, sessionId, occurredAt: "2026-11-19T08:00:00.000Z" });

const send = async (
  store: Store,
  orgId: OrgId,
  events: readonly unknown[],
  { subject = ada, source = randomUUID() }: { subject?: string; source?: string } = {},
) => {
  const batch = { source, batch: randomUUID(), events: [...events] };
  return (await ingestSessions(store, { orgId, subject: subject as Subject, now, batch })).answer;
};

const days = (store: Store, orgId: OrgId) =>
  store.reader
    .selectFrom("fluency_days")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("day")
    .orderBy("subject")
    .orderBy("rule_version")
    .execute();

testOnBothEngines("conversations are taken beside calls and counted by day", async (t, { store, orgId }) => {
  const source = randomUUID();
  const silent = all({ observed: 0, opportunities: 1 });
  const events = [
    event(1),
    call(2, "s1"),
    event(3, { indicators: { ...silent, checks_facts: { observed: 0, opportunities: 0 } } }),
    event(4, { occurredAt: "2026-11-18T23:59:59.000Z" }),
  ];
  t.deepEqual(await send(store, orgId, events, { source }), { accepted: 4, duplicates: 0, rejected: [] });
  t.deepEqual(await send(store, orgId, events, { source }), { accepted: 0, duplicates: 4, rejected: [] });
  const found = await days(store, orgId);
  t.deepEqual(
    found.map(({ day, conversations }) => [day, conversations]),
    [
      ["2026-11-18", 1n],
      ["2026-11-19", 2n],
    ],
  );
  t.like(found[1], {
    subject: ada,
    rule_version: 1n,
    clarifies_goal_present: 1n,
    clarifies_goal_sample: 2n,
    checks_facts_present: 1n,
    checks_facts_sample: 1n,
  });
});

testOnBothEngines("what cannot be taken is named, and the rest is taken", async (t, { store, orgId }) => {
  await send(store, orgId, [event(1, { sessionId: "told" }), call(2, "called")], { subject: bob });
  const answer = await send(store, orgId, [
    event(1),
    event(2, { sessionId: "told" }),
    event(3, { sessionId: "called" }),
    { seq: 4, kind: "of a later agent", sessionId: "s4" },
    event(5, { indicators: all({ observed: 3, opportunities: 2 }) }),
    event(6, { occurredAt: new Date(now + 2 * dayMs).toISOString() }),
    event(7, { sessionId: "a\u0000b" }),
  ]);
  t.is(answer.accepted, 1);
  t.deepEqual(
    answer.rejected.map(({ seq }) => seq ?? 0).toSorted((a, b) => a - b),
    [2, 3, 4, 5, 6, 7],
  );
  const reasons = new Map(answer.rejected.map(({ seq, reason }) => [seq, reason]));
  t.is(reasons.get(2), "this session belongs to another person");
  t.is(reasons.get(3), "this session belongs to another person");
  t.regex(reasons.get(5) ?? "", /observed is more than opportunities/);
  const program = await send(store, orgId, [event(9)], { subject: "service-account:ci" });
  t.like(program, { accepted: 0 });
  t.deepEqual(
    (await days(store, orgId)).map(({ subject, conversations }) => [subject, conversations]),
    [
      [ada, 1n],
      [bob, 1n],
    ],
  );
});

/** Tellings of a few conversations, in any order and some twice. */
const tellings = fc
  .array(
    fc.record({
      sessionId: fc.constantFrom("a", "b", "c"),
      day: fc.integer({ min: 0, max: 2 }),
      revision: fc.integer({ min: 1, max: 3 }),
      ruleVersion: fc.integer({ min: 1, max: 2 }),
      observed: fc.nat(2),
      more: fc.nat(2),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((rows) => {
    // One telling has one content, whenever it arrives.
    const distinct = new Map(
      rows.map((row) => [`${row.sessionId}${row.ruleVersion}${row.day}${row.revision}`, row]),
    );
    return [...distinct.values()];
  })
  .chain((rows) => fc.shuffledSubarray([...rows, ...rows], { minLength: rows.length * 2 }));

testOnBothEngines("no order of tellings changes what stands", async (t, { store }) => {
  await fc.assert(
    fc.asyncProperty(tellings, fc.integer({ min: 1, max: 4 }), async (told, size) => {
      const orgId = newOrgId();
      await store.transact((db) => createOrg(db, { orgId, slug: orgId.toLowerCase(), now }));
      const events = told.map(({ sessionId, day, revision, ruleVersion, observed, more }, seq) =>
        event(seq, {
          sessionId,
          occurredAt: new Date(now - day * dayMs).toISOString(),
          revision,
          ruleVersion,
          indicators: all({ observed, opportunities: observed + more }),
        }),
      );
      const source = randomUUID();
      for (let at = 0; at < events.length; at += size)
        await send(store, orgId, events.slice(at, at + size), { source });

      const rank = (one: FluencyEvent) =>
        [one.ruleVersion, Date.parse(one.occurredAt), one.revision] as const;
      const newest = [...Map.groupBy(events, ({ sessionId }) => sessionId).values()].flatMap((group) =>
        group
          .toSorted((a, b) => {
            const [x, y] = [rank(a), rank(b)];
            return y[0] - x[0] || y[1] - x[1] || y[2] - x[2];
          })
          .slice(0, 1),
      );
      const expected = [
        ...Map.groupBy(newest, (one) => `${dateOf(Date.parse(one.occurredAt))} ${one.ruleVersion}`),
      ]
        .map(([key, group]) => [
          key,
          group.length,
          group.filter(({ indicators }) => indicators.clarifies_goal.observed > 0).length,
          group.filter(({ indicators }) => indicators.clarifies_goal.opportunities > 0).length,
        ])
        .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
      const found = (await days(store, orgId)).map((row) => [
        `${row.day} ${row.rule_version}`,
        Number(row.conversations),
        Number(row.clarifies_goal_present),
        Number(row.clarifies_goal_sample),
      ]);
      t.deepEqual(found, expected);
    }),
    { numRuns: 25 },
  );
});

const employ = (store: Store, orgId: OrgId, names: readonly string[], manager: string | null = null) =>
  store.transact((db) =>
    db
      .insertInto("employees")
      .values(
        names.map((name) => ({
          org_id: orgId,
          employee_id: name,
          email: `${name}@example.com`,
          name,
          title: null,
          primary_team_id: manager === null ? null : "web",
          manager_id: manager,
          external_id: null,
          active: 1n,
          version: 1n,
          created_at: now,
          updated_at: now,
        })),
      )
      .execute(),
  );

testOnBothEngines("a person's further addresses are the person", async (t, { store, orgId }) => {
  await employ(store, orgId, ["ada"]);
  await store.transact((db) =>
    db
      .insertInto("identities")
      .values({
        org_id: orgId,
        provider: "",
        kind: "email",
        value: "ada@private.example",
        employee_id: "ada",
        email: null,
        label: null,
        source: "directory",
        updated_at: now,
      })
      .execute(),
  );
  await send(store, orgId, [event(1), event(2, { occurredAt: "2026-10-01T08:00:00.000Z" })]);
  await send(store, orgId, [event(3)], { subject: "ada@private.example" });
  const window = { startDate: dateOf(now - 29 * dayMs), endDate: dateOf(now) };
  const found = await loadFluency(store.reader, orgId, window);
  t.is(found.length, 1);
  t.like(found[0], { person: ada, ruleVersion: 1, conversations: 2 });
  t.deepEqual(found[0]?.shares.checks_facts, { present: 2, sample: 2 });
});

interface Scores {
  readonly people: number | null;
  readonly sampleSize: number;
  readonly withheld: string | null;
  readonly competencies: readonly {
    readonly competency: string;
    readonly weightedScore: number | null;
    readonly indicators: readonly { readonly prevalence: number | null; readonly present: number }[];
  }[];
}

test("GraphQL shows a person their own, a manager the team, and nobody a colleague's", async (t) => {
  await using running = await startRunning({ clock: shiftedClock(now) });
  const { store } = running.installation;
  const { orgId } = running.context;
  const names = ["p1", "p2", "p3", "p4", "p5"];
  await store.transact((db) =>
    db
      .insertInto("teams")
      .values({
        org_id: orgId,
        team_id: "web",
        name: "Web",
        parent_id: null,
        cost_centre: null,
        external_id: null,
        version: 1n,
        created_at: now,
        updated_at: now,
      })
      .execute(),
  );
  await employ(store, orgId, ["lead"]);
  await employ(store, orgId, names.slice(0, 4), "lead");
  for (const [index, name] of names.entries()) {
    const ids = Array.from({ length: 20 }, (_, n) => event(n + 1, { sessionId: `${index}-${n}` }));
    await send(store, orgId, ids, { subject: `${name}@example.com` });
  }
  const p1 = await asMember(running, "p1@example.com");
  const lead = await asMember(running, "lead@example.com");
  const fields =
    "people sampleSize withheld competencies { competency weightedScore indicators { prevalence present } }";
  const ask = (scope: string) => `{ fluencyRollup(scope: ${scope}) { windowDays ${fields} } }`;
  const rollup = async (asking: { graphql: typeof p1.graphql }, scope: string) => {
    const { data, codes } = await asking.graphql(ask(scope));
    return codes.length > 0 ? codes.join() : (data["fluencyRollup"] as Scores);
  };

  const own = await rollup(p1, "{ kind: PERSON }");
  t.like(own, { people: 1, sampleSize: 20, withheld: null });
  const [description] = typeof own === "string" ? [] : own.competencies;
  t.like(description, { competency: "DESCRIPTION", weightedScore: 1 });
  t.like(description?.indicators[0], { prevalence: 1, present: 20 });
  t.like(await rollup(p1, "{ kind: ORG }"), { people: 5, sampleSize: 100 });
  t.like(await rollup(lead, '{ kind: TEAM, id: "web" }'), {
    people: null,
    sampleSize: 0,
    withheld: "TOO_FEW_PEOPLE",
  });
  await employ(store, orgId, ["p5"], "lead");
  t.like(await rollup(lead, '{ kind: TEAM, id: "web" }'), { people: 5, sampleSize: 100, withheld: null });
  t.like(await rollup(lead, "{ kind: PERSON }"), { people: 0, withheld: "NO_CONVERSATIONS" });

  t.is(await rollup(p1, '{ kind: TEAM, id: "web" }'), "FS_FORBIDDEN");
  t.is(await rollup(lead, '{ kind: PERSON, id: "p1" }'), "FS_FORBIDDEN");
  t.is(await rollup(p1, "{ kind: TEAM }"), "FS_INPUT_INVALID");
  t.is(await rollup(p1, '{ kind: ORG, id: "other" }'), "FS_NOT_FOUND");
  const owner = await running.apiKey("AI_INSIGHTS_VIEW", "AI_GOVERNANCE_VIEW");
  t.deepEqual((await running.graphql(owner, ask('{ kind: PERSON, id: "p1" }'))).codes, ["FS_FORBIDDEN"]);
  t.deepEqual((await running.graphql(owner, ask('{ kind: TEAM, id: "web" }'))).codes, []);

  const trend = async (weeks: number) =>
    p1.graphql(
      `{ fluencyTrend(scope: { kind: PERSON }, weeks: ${weeks}) { weekStart sampleSize withheld } }`,
    );
  t.deepEqual((await trend(3)).data["fluencyTrend"], [
    { weekStart: "2026-11-02", sampleSize: 0, withheld: "NO_CONVERSATIONS" },
    { weekStart: "2026-11-09", sampleSize: 0, withheld: "NO_CONVERSATIONS" },
    { weekStart: "2026-11-16", sampleSize: 20, withheld: null },
  ]);
  t.deepEqual((await trend(53)).codes, ["FS_INPUT_INVALID"]);
});
