/** Meter rows become sums exactly once, and what follows from the sums: status, quotas, what proxies are told. */
import { randomUUID } from "node:crypto";
import type { OrgId } from "@flowstate/shared/ids";
import { addMonths, hourMs, hourOf, periodOf } from "@flowstate/shared/time";
import type { IngestAnswer } from "@flowstate/shared/wire/call";
import type { MeterRow } from "@flowstate/shared/wire/meter";
import { ingestMeter } from "../src/ingest/meter.ts";
import { buildSnapshot } from "../src/ingest/snapshot.ts";
import { enrolProxy, provisionOrgKey } from "../src/keys/provision.ts";
import { readRevisions } from "../src/orgs/orgs.ts";
import { beginMonth } from "../src/proxy-status/month.ts";
import { listProxies } from "../src/ingest/proxies.ts";
import { setQuota } from "../src/proxy-status/quotas.ts";
import { createStatusCard, readStatus } from "../src/proxy-status/status.ts";
import { readSubjectHosts, readSubjectMeter } from "../src/proxy-status/subject-meter.ts";
import { openStore, type Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";

const now = Date.parse("2026-11-20T09:30:00Z");
const hour = hourOf(now);
const period = periodOf(now);
const pepper = Buffer.alloc(32, 7);

function row(orgId: OrgId, seq: number, change: Partial<MeterRow> = {}): MeterRow {
  return {
    seq,
    orgId,
    subject: "a@example.com",
    host: "api.openai.com",
    hour,
    tunnels: 1,
    failedTunnels: 0,
    requests: 2,
    estimatedRequests: 3,
    estimateMethod: "turns/v1",
    bytesUp: 10,
    bytesDown: 100,
    firstSeenAt: hour + seq,
    lastSeenAt: hour + seq + 1000,
    sni: { equal: 1 },
    wouldDeny: 0,
    ...change,
  };
}

interface Sent {
  readonly source?: string;
  readonly batch?: string;
  readonly refusals?: Record<string, number>;
}

function send(store: Store, orgId: OrgId, rows: readonly unknown[], sent: Sent = {}): Promise<IngestAnswer> {
  const { source = randomUUID(), batch = randomUUID(), refusals } = sent;
  const given = { source, batch, rows: [...rows], ...(refusals === undefined ? {} : { refusals }) };
  return ingestMeter(store, { orgId, keyId: "k", now, batch: given });
}

testOnBothEngines(
  "rows add up per subject, and both kinds of requests are kept apart",
  async (t, { store, orgId }) => {
    const rows = [
      row(orgId, 1),
      row(orgId, 2, { host: "api.anthropic.com", tunnels: 5 }),
      row(orgId, 3, { subject: "b@example.com", failedTunnels: 4 }),
      row(orgId, 4, { hour: hour - hourMs }),
    ];
    t.deepEqual(await send(store, orgId, rows), { accepted: 4, duplicates: 0, rejected: [] });
    const [a, b] = await readSubjectMeter(store.reader, orgId, period);
    t.like(a, {
      subject: "a@example.com",
      requests: 15n,
      estimatedRequests: 9n,
      tunnels: 7n,
      bytesUp: 30n,
      bytesDown: 300n,
      quota: null,
      overageUnits: 0n,
      firstSeenAt: hour + 1,
      lastSeenAt: hour + 1004,
    });
    t.like(b, { subject: "b@example.com", failedTunnels: 4n });
    const span = { from: hour - hourMs, to: hour + hourMs };
    t.deepEqual(await readSubjectHosts(store.reader, orgId, "a@example.com", span), [
      "api.anthropic.com",
      "api.openai.com",
    ]);
    const hours = await store.reader.selectFrom("meter_hours").selectAll().execute();
    t.is(hours.length, 4);
    t.is(hours[0]?.sni_equal, 1n);
  },
);

testOnBothEngines(
  "a batch that comes again, in part or out of order, counts once",
  async (t, { store, orgId }) => {
    const source = randomUUID();
    const all = Array.from({ length: 9 }, (_, index) => row(orgId, index + 1));
    t.like(await send(store, orgId, all.slice(3, 6), { source }), { accepted: 3, duplicates: 0 });
    t.like(await send(store, orgId, all.slice(0, 5), { source }), { accepted: 3, duplicates: 2 });
    t.like(await send(store, orgId, [...all, ...all], { source }), { accepted: 3, duplicates: 15 });
    t.like(await send(store, orgId, all, { source }), { accepted: 0, duplicates: 9 });
    const [meter] = await readSubjectMeter(store.reader, orgId, period);
    t.is(meter?.tunnels, 9n);
    const { received } = await store.reader
      .selectFrom("meter_sources")
      .select("received")
      .executeTakeFirstOrThrow();
    t.is(received, "1-9");
  },
);

testOnBothEngines("two control planes that get the same batch at once count it once", async (t, opened) => {
  const { store, address, orgId } = opened;
  await using other = await openStore(address);
  const source = randomUUID();
  const rows = Array.from({ length: 50 }, (_, index) =>
    row(orgId, index, { subject: `s${index % 7}@example.com` }),
  );
  const answers = await Promise.all(
    [store, other, store, other].map((each) => send(each, orgId, rows, { source })),
  );
  t.is(
    answers.reduce((sum, { accepted }) => sum + accepted, 0),
    rows.length,
  );
  const meter = await readSubjectMeter(store.reader, orgId, period);
  t.is(
    meter.reduce((sum, { tunnels }) => sum + tunnels, 0n),
    BigInt(rows.length),
  );
});

testOnBothEngines(
  "a row that cannot be is rejected by itself, with the reason",
  async (t, { store, orgId }) => {
    const bad: [row: unknown, reason: RegExp][] = [
      [row(orgId, 1, { orgId: "other" }), /another organisation/],
      [row(orgId, 2, { hour: hour + 1 }), /start of a UTC hour/],
      [row(orgId, 3, { hour: hour + 48 * hourMs }), /future/],
      [row(orgId, 4, { host: "a host" }), /host/],
      [row(orgId, 5, { subject: "a\u0000@b.c" }), /control character/],
      [row(orgId, 6, { tunnels: -1 }), /tunnels/],
      [{ seq: 7 }, /orgId/],
      ["nonsense", /expected object/],
    ];
    const { accepted, rejected } = await send(store, orgId, [...bad.map(([given]) => given), row(orgId, 9)]);
    t.is(accepted, 1);
    t.deepEqual(
      rejected.map(({ seq }) => seq),
      [1, 2, 3, 4, 5, 6, 7, null],
    );
    for (const [index, [, reason]] of bad.entries()) t.regex(rejected[index]?.reason ?? "", reason);
    const { received } = await store.reader
      .selectFrom("meter_sources")
      .select("received")
      .executeTakeFirstOrThrow();
    t.is(received, "1-7,9", "a rejected row is no gap");
  },
);

testOnBothEngines("sums beyond 2^53 stay exact", async (t, { store, orgId }) => {
  const most = Number.MAX_SAFE_INTEGER;
  const rows = [1, 2, 3].map((seq) => row(orgId, seq, { bytesDown: most }));
  await send(store, orgId, rows);
  await send(store, orgId, rows);
  const [meter] = await readSubjectMeter(store.reader, orgId, period);
  t.is(meter?.bytesDown, 6n * BigInt(most));
});

testOnBothEngines(
  "a source whose numbering is full of holes is refused, and nothing of it counts",
  async (t, { store, orgId }) => {
    const rows = Array.from({ length: 2001 }, (_, index) => row(orgId, index * 2));
    const answer = await send(store, orgId, rows);
    t.is(answer.accepted, 0);
    t.is(answer.rejected.length, 2001);
    t.deepEqual(await readSubjectMeter(store.reader, orgId, period), []);
  },
);

testOnBothEngines(
  "the status card: no key, a key, a successful request; a failure never makes it active",
  async (t, { store, orgId }) => {
    const state = async () => (await readStatus(store.reader, orgId)).state;
    t.is(await state(), "NOT_CONFIGURED");
    const { keyId } = await store.transact((db) => provisionOrgKey(db, { orgId, actor: "t", pepper, now }));
    t.is(await state(), "PENDING");
    const failed = { tunnels: 0, failedTunnels: 3, requests: 0, estimatedRequests: 0 };
    await send(store, orgId, [row(orgId, 1, failed)], { refusals: { unknown_key: 4 } });
    t.is(await state(), "PENDING");
    await send(store, orgId, [row(orgId, 5), row(orgId, 2)]);
    t.deepEqual(await readStatus(store.reader, orgId), {
      state: "ACTIVE",
      keyId,
      keyProvisionedAt: now,
      firstSeenAt: hour + 2,
      lastCaptureAt: hour + 1005,
    });
  },
);

testOnBothEngines(
  "the last known card is shown as stale when the store does not answer",
  async (t, { store, address, orgId }) => {
    const other = await openStore(address);
    const card = createStatusCard(other.reader);
    t.false((await card(orgId)).stale);
    await store.transact((db) => provisionOrgKey(db, { orgId, actor: "t", pepper, now }));
    t.like(await card(orgId), { stale: false, status: { state: "PENDING" } });
    await other[Symbol.asyncDispose]();
    t.like(await card(orgId), { stale: true, status: { state: "PENDING" } });
  },
);

testOnBothEngines("refused credentials are counted once a batch, by reason", async (t, { store, orgId }) => {
  const sent = { source: randomUUID(), batch: randomUUID(), refusals: { placeholder: 2, revoked_key: 1 } };
  await send(store, orgId, [], sent);
  await send(store, orgId, [], sent);
  await send(store, orgId, [], { ...sent, batch: randomUUID() });
  const rows = await store.reader
    .selectFrom("refused_credentials")
    .select(["reason", "refusals"])
    .orderBy("reason")
    .execute();
  t.deepEqual(rows, [
    { reason: "placeholder", refusals: 4n },
    { reason: "revoked_key", refusals: 2n },
  ]);
});

testOnBothEngines(
  "crossing a quota reaches the proxies once, and overage is counted",
  async (t, { store, orgId }) => {
    const change = { orgId, actor: "t", now };
    await store.transact((db) => setQuota(db, { ...change, subject: null, quota: 12n }));
    await store.transact((db) => setQuota(db, { ...change, subject: "vip@example.com", quota: 1000n }));
    const revision = async () => (await readRevisions(store.reader)).get(orgId) ?? 0;
    const overQuota = async () => (await buildSnapshot(store.reader, orgId, pepper, now)).orgs[0]?.overQuota;
    const before = await revision();
    await send(store, orgId, [row(orgId, 1), row(orgId, 2)]);
    t.is(await revision(), before, "10 of 12");
    t.deepEqual(await overQuota(), []);
    await send(store, orgId, [row(orgId, 3), row(orgId, 4, { subject: "vip@example.com", requests: 500 })]);
    t.is(await revision(), before + 1, "15 of 12");
    t.deepEqual(await overQuota(), ["a@example.com"]);
    await send(store, orgId, [row(orgId, 5)]);
    t.is(await revision(), before + 1, "further requests are no news");
    const [meter] = await readSubjectMeter(store.reader, orgId, period);
    t.like(meter, { quota: 12n, requests: 20n, overageUnits: 8n });
    await store.transact((db) => setQuota(db, { ...change, subject: null, quota: null }));
    t.deepEqual(await overQuota(), []);
  },
);

testOnBothEngines(
  "a proxy's last report and what never came of it are shown",
  async (t, { store, orgId }) => {
    const enrolled = await store.transact((db) => enrolProxy(db, { orgId, actor: "t", pepper, now }, "edge"));
    t.like((await listProxies(store.reader, orgId))[0], { lastReportedAt: null, missingRows: 0 });
    const batch = {
      source: randomUUID(),
      batch: randomUUID(),
      rows: [1, 5, 6].map((seq) => row(orgId, seq)),
    };
    await ingestMeter(store, { orgId, keyId: enrolled.keyId, now, batch });
    const [proxy] = await listProxies(store.reader, orgId);
    t.like(proxy, { lastReportedAt: now, missingRows: 3, key: { keyId: enrolled.keyId, name: "edge" } });
  },
);

testOnBothEngines("a new month tells the proxies once that quotas start afresh", async (t, opened) => {
  const { store, address, orgId } = opened;
  await using other = await openStore(address);
  await store.transact((db) => setQuota(db, { orgId, actor: "t", now, subject: null, quota: 1n }));
  const revision = async () => (await readRevisions(store.reader)).get(orgId) ?? 0;
  const next = addMonths(period, 1);
  await beginMonth(store, period);
  const before = await revision();
  const begun = await Promise.all([store, other, store].map((each) => beginMonth(each, next)));
  t.is(begun.filter(Boolean).length, 1);
  t.is(await revision(), before + 1);
  t.false(await beginMonth(other, period), "a clock that is behind changes nothing");
});
