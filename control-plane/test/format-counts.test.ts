/** How far devices understand what tools write: told in any order and any number of times, summed over devices, judged. */
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import type { Subject } from "@flowstate/shared/subject";
import { dayMs } from "@flowstate/shared/time";
import type { FormatEvent } from "@flowstate/shared/wire/format";
import { createOrg } from "../src/orgs/orgs.ts";
import { runDetectors } from "../src/signals/run.ts";
import type { Store } from "../src/store/open.ts";
import { listFormats } from "../src/usage/format-counts.ts";
import { ingestSessions } from "../src/usage/ingest.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { hurriedClock } from "./support/clock.ts";

const now = Date.parse("2026-11-20T12:00:00Z");
const from = now - 30 * dayMs;

/** A telling at so many minutes of the day; numbered by whoever sends it. */
function telling(minute: number, change: Partial<FormatEvent> = {}): Omit<FormatEvent, "seq"> {
  return {
    kind: "format",
    capture: "session-log",
    tool: "claude-code",
    toolVersion: "2.1.400",
    host: null,
    agentVersion: "1.0.0",
    seen: 100,
    blank: 1,
    firstAt: "2026-11-20T08:00:00.000Z",
    occurredAt: new Date(Date.parse("2026-11-20T08:00:00Z") + minute * 60_000).toISOString(),
    ...change,
  };
}

function send(store: Store, orgId: OrgId, source: string, events: readonly object[]) {
  const batch = { source, batch: randomUUID(), events: [...events] };
  return ingestSessions(store, { orgId, subject: "ada@example.com" as Subject, now, batch });
}

testOnBothEngines(
  "the newest telling of a device counts, in whatever order and however often it comes",
  async (t, { store }) => {
    // The counts of one device as they ran on, with an upgrade of the agent in the middle.
    const told = [
      telling(0, { seen: 100, blank: 1 }),
      telling(60, { seen: 300, blank: 30 }),
      telling(60, { seen: 310, blank: 40 }),
      telling(120, { seen: 5, blank: 0, agentVersion: "1.1.0", firstAt: "2026-11-20T10:00:00Z" }),
      telling(180, { seen: 90, blank: 2, agentVersion: "1.1.0", firstAt: "2026-11-20T10:00:00Z" }),
    ].map((event, seq) => ({ seq, ...event }));
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...told, ...told], { minLength: 2 * told.length }),
        async (arriving) => {
          const orgId = newOrgId();
          await store.transact((db) => createOrg(db, { orgId, slug: orgId.toLowerCase(), now }));
          const device = randomUUID();
          for (const event of arriving) await send(store, orgId, device, [event]);
          t.deepEqual(await listFormats(store.reader, orgId, { from, limit: 10 }), [
            {
              capture: "session-log",
              tool: "claude-code",
              toolVersion: "2.1.400",
              host: null,
              seen: 90n,
              blank: 2n,
              devices: 1,
              driftingDevices: 0,
              firstAt: Date.parse("2026-11-20T10:00:00Z"),
              lastAt: Date.parse("2026-11-20T11:00:00Z"),
            },
          ]);
        },
      ),
      { numRuns: 10 },
    );
  },
);

testOnBothEngines(
  "one signal for a version, with its devices, whatever they saw it by",
  async (t, { store, orgId }) => {
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    const broken = { toolVersion: "3.0.0", seen: 60, blank: 60 };
    const api = { capture: "intercept", tool: "openai", toolVersion: null, host: "api.openai.com" } as const;
    await send(store, orgId, first, [
      { seq: 0, ...telling(0) },
      { seq: 1, ...telling(1, broken) },
      { seq: 2, ...telling(2, { ...broken, capture: "otlp", seen: 40, blank: 30 }) },
      { seq: 3, ...telling(3, { ...api, seen: 200, blank: 20 }) },
    ]);
    await send(store, orgId, second, [{ seq: 0, ...telling(4, broken) }]);
    await send(store, orgId, third, [{ seq: 0, ...telling(5, { ...broken, seen: 9000, blank: 0 }) }]);
    const clock = hurriedClock(now);
    t.like(await runDetectors({ store, clock }, orgId), { added: 2 });
    const signals = await store.reader
      .selectFrom("signals")
      .select(["type", "category", "severity", "subject", "detail"])
      .where("org_id", "=", orgId)
      .orderBy("happened_at", "desc")
      .execute();
    t.deepEqual(
      signals.map(({ detail, ...signal }) => ({ ...signal, ...(JSON.parse(detail) as object) })),
      [
        {
          type: "format_drift",
          category: "OPERATIONAL",
          severity: "WARN",
          subject: null,
          rule: "format_drift/1",
          format: "claude-code 3.0.0",
          captures: ["otlp", "session-log"],
          devices: 3,
          devicesNotReading: 2,
          answers: "9160",
          answersWithoutUsage: "150",
          firstSeenAt: "2026-11-20T08:00:00.000Z",
        },
        {
          type: "format_drift",
          category: "OPERATIONAL",
          severity: "WARN",
          subject: null,
          rule: "format_drift/1",
          format: "openai API at api.openai.com",
          captures: ["intercept"],
          devices: 1,
          devicesNotReading: 1,
          answers: "200",
          answersWithoutUsage: "20",
          firstSeenAt: "2026-11-20T08:00:00.000Z",
        },
      ],
    );
    // More devices are the same signal.
    await send(store, orgId, randomUUID(), [{ seq: 0, ...telling(6, broken) }]);
    t.like(await runDetectors({ store, clock }, orgId), { added: 0, found: 2 });
  },
);

testOnBothEngines("a telling that cannot be is refused by its number", async (t, { store, orgId }) => {
  const cases: readonly (readonly [change: Partial<FormatEvent>, reason: RegExp])[] = [
    [{ seen: 1, blank: 2 }, /blank is more than seen/],
    [{ seen: 0, blank: 0 }, /^seen/],
    [{ tool: "a\u0000b" }, /^tool/],
    [{ occurredAt: "2026-11-22T08:00:00Z" }, /check the device's clock/],
  ];
  const events = cases.map(([change], seq) => ({ seq, ...telling(0, change) }));
  const { answer } = await send(store, orgId, randomUUID(), events);
  t.is(answer.accepted, 0);
  for (const [index, [, reason]] of cases.entries()) t.regex(answer.rejected[index]?.reason ?? "", reason);
});
