/** What conversations show, from a device's batch to what is shown of a person, a team and the organisation. */
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { dateOf, dayMs } from "@flowstate/shared/time";
import { fluencyIndicators, type FluencyCount, type FluencyEvent } from "@flowstate/shared/wire/fluency";
import { createOrg } from "../src/orgs/orgs.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

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

const call = (seq: number, sessionId: string) => ({
  seq,
  callId: `msg_${seq}`,
  sessionId,
  occurredAt: "2026-11-19T08:00:00.000Z",
  provider: "anthropic",
  tool: "claude-code",
  model: "claude-sonnet-4-5",
  tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 },
  outputTrust: "final",
  costUsd: "0.5",
  estimated: false,
  capture: "session-log",
  status: 200,
  durationMs: 1,
});

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
  t.deepEqual(answer.rejected.map(({ seq }) => seq).toSorted(), [2, 3, 4, 5, 6, 7]);
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
        .toSorted();
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
