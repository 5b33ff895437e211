/** Calls that devices report become one row each, whatever is told twice, late, by several captures, or wrongly. */
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { hourMs } from "@flowstate/shared/time";
import { tokens, unknownTokens } from "@flowstate/shared/tokens";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { newOrgId } from "@flowstate/shared/ids";
import { createOrg } from "../src/orgs/orgs.ts";
import type { Store } from "../src/store/open.ts";
import { ingestSessions, type SessionsTaken } from "../src/usage/ingest.ts";
import { callEvent } from "./support/call-event.ts";
import { sumsOfHours } from "./support/usage-sums.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const ada = "ada@example.com" as Subject;
const bob = "bob@example.com" as Subject;

function event(seq: number, change: Partial<CallEvent> = {}): CallEvent {
  return callEvent({
    seq,
    callId: `msg_${seq}`,
    sessionId: "s1",
    durationMs: 1000,
    project: "github.com/acme/api",
    billing: "metered",
    ...change,
  });
}

function send(
  store: Store,
  orgId: OrgId,
  events: readonly unknown[],
  {
    source = randomUUID(),
    subject = ada,
    sentAt,
  }: { source?: string; subject?: Subject; sentAt?: string } = {},
): Promise<SessionsTaken> {
  const batch = {
    source,
    batch: randomUUID(),
    events: [...events],
    ...(sentAt === undefined ? {} : { sentAt }),
  };
  return ingestSessions(store, { orgId, subject, now, batch });
}

const calls = (store: Store, orgId: OrgId) =>
  store.reader.selectFrom("calls").selectAll().where("org_id", "=", orgId).orderBy("call_id").execute();
const sessions = (store: Store, orgId: OrgId) =>
  store.reader.selectFrom("sessions").selectAll().where("org_id", "=", orgId).orderBy("session_id").execute();
const hours = (store: Store, orgId: OrgId) =>
  store.reader
    .selectFrom("usage_hours")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("hour")
    .orderBy("model")
    .orderBy("project")
    .execute();

testOnBothEngines("calls become rows, their session and their hour", async (t, { store, orgId }) => {
  const later = "2026-11-20T09:10:00.000Z";
  const { answer, periods } = await send(store, orgId, [
    event(1),
    event(2, { occurredAt: later, model: "claude-opus-4-5", costUsd: null, estimated: true }),
  ]);
  t.deepEqual(answer, { accepted: 2, duplicates: 0, rejected: [] });
  t.deepEqual(periods, ["2026-11"]);
  const [session] = await sessions(store, orgId);
  t.like(session, {
    session_id: "s1",
    subject: ada,
    models: '["claude-opus-4-5","claude-sonnet-4-5"]',
    started_at: Date.parse("2026-11-20T08:00:00Z"),
    ended_at: Date.parse(later) + 1000,
    calls: 2n,
    input_tokens: 200n,
    cost_nano_usd: 500_000_000n,
    uncosted_calls: 1n,
    estimated_calls: 1n,
  });
  const [eight, nine] = await hours(store, orgId);
  t.like(eight, { hour: Date.parse("2026-11-20T08:00:00Z"), calls: 1n, cost_nano_usd: 500_000_000n });
  t.like(nine, { hour: Date.parse("2026-11-20T09:00:00Z"), calls: 1n, uncosted_calls: 1n });
});

testOnBothEngines(
  "unknown tokens stay unknown in the call and add nothing to its hour",
  async (t, { store, orgId }) => {
    await send(store, orgId, [event(1, { tokens: unknownTokens, costUsd: null })]);
    t.like((await calls(store, orgId))[0], { input_tokens: null, cost_nano_usd: null });
    t.like((await hours(store, orgId))[0], { input_tokens: 0n, uncosted_calls: 1n });
  },
);

testOnBothEngines(
  "a batch delivered twice counts once, and so does a row inside it",
  async (t, { store, orgId }) => {
    const source = randomUUID();
    await send(store, orgId, [event(1), event(1)], { source });
    const { answer } = await send(store, orgId, [event(1), event(2)], { source });
    t.deepEqual(answer, { accepted: 1, duplicates: 1, rejected: [] });
    t.like((await sessions(store, orgId))[0], { calls: 2n });
  },
);

testOnBothEngines(
  "a later revision replaces what it revises, and an earlier one that comes late does not",
  async (t, { store, orgId }) => {
    const source = randomUUID();
    const revised = event(2, {
      callId: "msg_1",
      revision: 2,
      tokens: tokens({ input: 100, output: 300 }),
      costUsd: "2",
    });
    await send(store, orgId, [event(1)], { source });
    await send(store, orgId, [revised], { source });
    await send(store, orgId, [event(3, { callId: "msg_1", costUsd: "9" })], { source });
    t.like((await calls(store, orgId))[0], {
      output_tokens: 300n,
      cost_nano_usd: 2_000_000_000n,
      revision: 2n,
    });
    t.like((await hours(store, orgId))[0], { calls: 1n, output_tokens: 300n, cost_nano_usd: 2_000_000_000n });
  },
);

testOnBothEngines("a call moved to another hour leaves nothing behind", async (t, { store, orgId }) => {
  const source = randomUUID();
  await send(store, orgId, [event(1)], { source });
  const moved = event(2, {
    callId: "msg_1",
    revision: 2,
    occurredAt: "2026-11-20T07:59:59.000Z",
    sessionId: "s2",
  });
  await send(store, orgId, [moved], { source });
  t.deepEqual(
    (await hours(store, orgId)).map(({ hour, calls: count }) => [hour, count]),
    [[Date.parse("2026-11-20T07:00:00Z"), 1n]],
  );
  t.deepEqual(
    (await sessions(store, orgId)).map(({ session_id }) => session_id),
    ["s2"],
  );
});

testOnBothEngines(
  "the same call from the log and from the wire is one, each field from whom it is believed",
  async (t, { store, orgId }) => {
    const log = event(1, {
      callId: "msg_1",
      aliases: ["req_1"],
      outputTrust: "floor",
      tokens: tokens({ input: 100, output: 1 }),
    });
    const wire = event(1, {
      callId: "req_1",
      capture: "intercept",
      tool: "unknown",
      project: null,
      tokens: tokens({ input: 90, output: 50 }),
      costUsd: "0.75",
    });
    await send(store, orgId, [log]);
    await send(store, orgId, [wire]);
    const rows = await calls(store, orgId);
    t.is(rows.length, 1);
    t.like(rows[0], {
      call_id: "msg_1",
      tool: "claude-code",
      project: "github.com/acme/api",
      input_tokens: 90n,
      output_tokens: 50n,
      output_trust: "final",
      cost_nano_usd: 750_000_000n,
      capture: "intercept",
    });
  },
);

testOnBothEngines("two calls that a third report names together become one", async (t, { store, orgId }) => {
  const source = randomUUID();
  await send(store, orgId, [event(1, { callId: "a" }), event(2, { callId: "b", capture: "otlp" })], {
    source,
  });
  t.is((await calls(store, orgId)).length, 2);
  await send(store, orgId, [event(3, { callId: "c", aliases: ["a", "b"], capture: "intercept" })], {
    source,
  });
  t.deepEqual(
    (await calls(store, orgId)).map(({ call_id }) => call_id),
    ["a"],
  );
  t.like((await sessions(store, orgId))[0], { calls: 1n, input_tokens: 100n });
});

testOnBothEngines(
  "a report of somebody else's call or session is kept aside, and the call stays as it was",
  async (t, { store, orgId }) => {
    await send(store, orgId, [event(1, { aliases: ["req_1"] })]);
    const foreign = [
      event(1, { callId: "req_1", sessionId: "s9", costUsd: "99" }),
      event(2),
      event(3, { sessionId: "s3" }),
    ];
    const { answer } = await send(store, orgId, foreign, { subject: bob });
    t.deepEqual(answer, {
      accepted: 1,
      duplicates: 0,
      rejected: [
        { seq: 1, reason: "kept aside: another person has reported this call" },
        { seq: 2, reason: "kept aside: this session belongs to another person" },
      ],
    });
    t.deepEqual(
      (await calls(store, orgId)).map(({ call_id, subject }) => [call_id, subject]),
      [
        ["msg_1", ada],
        ["msg_3", bob],
      ],
    );
    const aside = await store.reader.selectFrom("quarantined_calls").select(["seq", "subject"]).execute();
    t.deepEqual(aside, [
      { seq: 1n, subject: bob },
      { seq: 2n, subject: bob },
    ]);
  },
);

testOnBothEngines(
  "a malformed event is rejected by number and the rest is taken",
  async (t, { store, orgId }) => {
    const bad = [
      { ...event(1), model: 7 },
      event(2, { occurredAt: "2026-11-23T00:00:00Z" }),
      "text",
      event(4, { callId: "a\u0000" }),
    ];
    const { answer } = await send(store, orgId, [...bad, event(5)]);
    t.is(answer.accepted, 1);
    t.deepEqual(
      answer.rejected.map(({ seq }) => seq),
      [1, 2, null, 4],
    );
  },
);

testOnBothEngines(
  "the device's clock and the numbers that never came are kept",
  async (t, { store, orgId }) => {
    await send(store, orgId, [event(1), event(4)], {
      source: "11111111-1111-4111-8111-111111111111",
      sentAt: "2026-11-20T09:31:00.000Z",
    });
    const device = await store.reader
      .selectFrom("devices")
      .select(["received", "skew_ms"])
      .executeTakeFirst();
    t.deepEqual(device, { received: "1,4", skew_ms: 60_000n });
  },
);

testOnBothEngines(
  "any order, repetition and cutting of reports ends in the same rows, and sums equal their calls",
  async (t, { store }) => {
    const report = fc.record({
      callId: fc.constantFrom("a", "b", "c", "d"),
      aliases: fc.subarray(["a", "b", "x", "y"], { maxLength: 2 }),
      revision: fc.integer({ min: 1, max: 3 }),
      sessionId: fc.constantFrom("s1", "s2"),
      capture: fc.constantFrom("session-log" as const, "otlp" as const, "intercept" as const),
      outputTrust: fc.constantFrom("final" as const, "floor" as const, "estimated" as const),
      occurredAt: fc.constantFrom("2026-11-20T07:10:00.000Z", "2026-11-20T08:10:00.000Z"),
      output: fc.option(fc.integer({ min: 0, max: 50 })),
      costUsd: fc.option(fc.constantFrom("0.1", "0.2")),
      model: fc.option(fc.constantFrom("m1", "m2")),
    });
    const stated = async (orgId: OrgId): Promise<string> => {
      const rows = [await calls(store, orgId), await sessions(store, orgId), await hours(store, orgId)];
      return JSON.stringify(rows, (key, value: unknown) =>
        key === "org_id" ? undefined : typeof value === "bigint" ? String(value) : value,
      );
    };
    const told = fc
      .array(report, { minLength: 1, maxLength: 7 })
      .chain((reports) =>
        fc.tuple(
          fc.constant(reports),
          fc.shuffledSubarray([...reports.keys()], { minLength: reports.length }),
          fc.array(fc.nat({ max: reports.length - 1 }), { maxLength: 3 }),
        ),
      );
    await fc.assert(
      fc.asyncProperty(told, async ([reports, order, repeated]) => {
        const events = reports.map(({ output, ...rest }, index) =>
          event(index, { ...rest, tokens: tokens({ input: 5, output }) }),
        );
        const source = randomUUID();
        const [once, shuffled] = [newOrgId(), newOrgId()];
        for (const id of [once, shuffled]) {
          await store.transact((db) => createOrg(db, { orgId: id, slug: `o-${randomUUID()}`, now }));
        }
        await send(store, once, events, { source });
        for (const index of [...order, ...repeated]) await send(store, shuffled, [events[index]], { source });
        t.is(await stated(shuffled), await stated(once));
        const { rows } = await sql<{
          total: bigint;
        }>`SELECT CAST(coalesce(sum(output_tokens), 0) AS BIGINT) AS total
        FROM calls WHERE org_id = ${once}`.execute(store.reader);
        const summed = (await hours(store, once)).reduce((sum, hour) => sum + hour.output_tokens, 0n);
        t.is(summed, rows[0]?.total ?? 0n);
        t.true((await hours(store, once)).every(({ hour }) => hour % hourMs === 0));
      }),
      { numRuns: 40 },
    );
    for (const [table, time, expected] of await sumsOfHours(store)) {
      const { rows } = await sql`SELECT * FROM ${sql.table(table)}
        ORDER BY org_id, ${sql.id(time)}, subject, provider`.execute(store.reader);
      t.deepEqual(rows, [...expected], table);
    }
  },
);
