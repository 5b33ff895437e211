/** How long signals and what they are drawn from are kept, and what is never deleted by age alone. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import test from "ava";
import type { Clock } from "@flowstate/shared/clock";
import { newOrgId, type OrgId } from "@flowstate/shared/ids";
import { until } from "@flowstate/shared/testing/until";
import { dateOf, dayMs } from "@flowstate/shared/time";
import type { ContentEvent } from "@flowstate/shared/wire/content";
import { readAudit } from "../src/audit/record.ts";
import { readConfig } from "../src/config.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { takePolicyHits } from "../src/policy/hits.ts";
import type { Finding } from "../src/signals/finding.ts";
import { resolveSignal } from "../src/signals/resolve.ts";
import { agingRows, deleteOldest } from "../src/signals/retention.ts";
import { storeFindings } from "../src/signals/store-findings.ts";
import { takeContent } from "../src/signals/take-content.ts";
import type { SignalSeverity } from "../src/signals/types.ts";
import { retentionJob, watchRetention } from "../src/signals/watch-retention.ts";
import { readDueAt } from "../src/store/jobs.ts";
import type { Store } from "../src/store/open.ts";
import { testOnBothEngines } from "./support/both-engines.ts";
import { hurriedClock } from "./support/clock.ts";

const now = Date.parse("2026-11-20T12:00:00Z");
const today = Date.parse("2026-11-20T00:00:00Z");
const retentionDays = 400;
const ago = (days: number): number => today - days * dayMs;

interface Kept {
  readonly name: string;
  readonly severity: SignalSeverity;
  /** Days since it was detected. */
  readonly age: number;
  /** Days since somebody resolved it. */
  readonly resolved?: number;
  /** Days since it grew. */
  readonly grown?: number;
}

async function put(
  store: Store,
  orgId: OrgId,
  { name, severity, age, resolved, grown }: Kept,
): Promise<void> {
  const finding = (evidence: object): Finding => ({
    type: "spend_spike",
    severity,
    subject: name,
    sessionId: null,
    service: null,
    about: "",
    occurrence: name,
    at: ago(age),
    evidence: { ...evidence },
  });
  const { raised } = await store.transact((db) => storeFindings(db, orgId, [finding({})], ago(age)));
  if (grown !== undefined) {
    await store.transact((db) => storeFindings(db, orgId, [finding({ calls: 2 })], ago(grown)));
  }
  if (resolved === undefined) return;
  const verdict = { orgId, actor: "t", now: ago(resolved), resolution: "ACKNOWLEDGED", note: null } as const;
  await store.transact((db) => resolveSignal(db, { ...verdict, signalId: raised[0]?.signal_id ?? "" }));
}

const signals: readonly (Kept & { readonly stays: boolean })[] = [
  { name: "info of the last day that is kept", severity: "INFO", age: 400, stays: true },
  { name: "info of the day before", severity: "INFO", age: 401, stays: false },
  { name: "old info that has grown", severity: "INFO", age: 450, grown: 10, stays: true },
  { name: "old info that has grown long ago", severity: "INFO", age: 450, grown: 402, stays: false },
  { name: "open warning", severity: "WARN", age: 900, stays: true },
  { name: "open block", severity: "BLOCK", age: 900, stays: true },
  { name: "warning resolved lately", severity: "WARN", age: 900, resolved: 399, stays: true },
  { name: "warning resolved long ago", severity: "WARN", age: 900, resolved: 401, stays: false },
  { name: "block resolved long ago", severity: "BLOCK", age: 900, resolved: 899, stays: false },
  { name: "info resolved lately", severity: "INFO", age: 900, resolved: 10, stays: true },
];

const report: ContentEvent = {
  seq: 0,
  kind: "content",
  occurredAt: "",
  sessionId: null,
  provider: "anthropic",
  host: "api.anthropic.com",
  tool: "claude-code",
  model: null,
  rule: "r",
  action: "WARN",
  enforced: false,
  requests: 1,
  found: { phrase: 1 },
};

/** Rows by day, so many days old. */
async function putDays(store: Store, orgId: OrgId, ages: readonly number[]): Promise<void> {
  const by = { orgId, subject: "ada@example.com", source: randomUUID() };
  await store.transact(async (db) => {
    const at = (age: number): string => new Date(ago(age)).toISOString();
    await takeContent(
      db,
      store.engine,
      by,
      ages.map((age, seq) => ({ ...report, seq, occurredAt: at(age) })),
    );
    const hits = { kind: "policy", version: 1, rule: "r", action: "WARN", enforced: true, calls: 1 } as const;
    await takePolicyHits(
      db,
      by,
      [...new Set(ages)].map((age, seq) => ({ ...hits, seq, occurredAt: at(age) })),
    );
    const day = { org_id: orgId, subject: by.subject, paid_nano_usd: 1n, calls: 1n, active_hours: 1n };
    await db
      .insertInto("person_days")
      .values([...new Set(ages)].map((age) => ({ ...day, day: dateOf(ago(age)) })))
      .execute();
  });
}

/** Hurries to an instant and stays there. */
function clockUntil(end: number): Clock {
  const hurried = hurriedClock(now);
  return {
    now: hurried.now,
    async sleep(ms, signal) {
      if (hurried.now() < end) return hurried.sleep(ms);
      if (signal !== undefined && !signal.aborted) await once(signal, "abort");
    },
  };
}

async function left(store: Store, orgId: OrgId) {
  const rows = async (table: "content_findings" | "policy_hits" | "person_days") =>
    (await store.reader.selectFrom(table).select("org_id").where("org_id", "=", orgId).execute()).length;
  const subjects = await store.reader
    .selectFrom("signals")
    .select("subject")
    .where("org_id", "=", orgId)
    .execute();
  return {
    signals: subjects.map(({ subject }) => subject ?? "").sort(),
    findings: await rows("content_findings"),
    hits: await rows("policy_hits"),
    days: await rows("person_days"),
  };
}

testOnBothEngines(
  "each night what is old is deleted, and nothing that somebody has still to look at",
  async (t, { store, orgId }) => {
    for (const signal of signals) await put(store, orgId, signal);
    await putDays(store, orgId, [399, 400, 401, ...Array.from({ length: 2500 }, () => 500)]);
    const clock = clockUntil(Date.parse("2026-11-21T02:30:00Z"));
    const stopping = new AbortController();
    const failures: unknown[] = [];
    const services = { store, clock, retentionDays };
    const watching = watchRetention(services, stopping.signal, (error) => failures.push(error));
    const audit = await until("the night", async () => {
      const entries = await readAudit(store.reader, orgId, { newest: 100 });
      return entries.find(({ action }) => action === "signals.expired");
    });
    stopping.abort();
    await watching;
    t.deepEqual(failures, []);
    // The night after the start: a day later than the rows were counted from.
    t.is(new Date(audit.at).toISOString().slice(0, 10), "2026-11-21");
    t.deepEqual(await left(store, orgId), {
      signals: signals
        .filter(({ stays, age }) => stays && age !== 400)
        .map(({ name }) => name)
        .sort(),
      findings: 1,
      hits: 1,
      days: 1,
    });
    t.like(audit, {
      actor: "system",
      detail:
        "from before 2025-10-17: 5 signals, 2502 findings of content rules, 3 policy hits, 3 people's days",
    });
    const dueAt = await readDueAt(store.reader, { orgId, name: retentionJob });
    t.true((dueAt ?? 0) > audit.at);
  },
);

testOnBothEngines(
  "of each table some rows at a time are deleted, of one organisation alone",
  async (t, { store, orgId }) => {
    const other = newOrgId();
    await store.transact((db) => createOrg(db, { orgId: other, slug: "other", now }));
    for (const org of [orgId, other]) {
      for (const signal of signals) await put(store, org, signal);
      await putDays(store, org, [399, 400, 401, 500, 501, 502]);
    }
    const untouched = await left(store, other);
    const before = ago(retentionDays);
    for (const aging of agingRows) {
      const steps: number[] = [];
      for (let isLast = false; !isLast;) {
        const step = await store.transact((db) => deleteOldest(db, orgId, aging, { before, most: 2 }));
        steps.push(step.rows);
        isLast = step.isLast;
      }
      t.deepEqual(steps, [2, 2, 0], aging.what);
    }
    t.deepEqual(await left(store, orgId), {
      signals: signals.flatMap(({ name, stays }) => (stays ? name : [])).sort(),
      findings: 2,
      hits: 2,
      days: 2,
    });
    t.deepEqual(await left(store, other), untouched);
  },
);

const settings: readonly [days: string | undefined, taken: number | null][] = [
  [undefined, 400],
  ["90", 90],
  ["3650", 3650],
  ["0", null],
  ["89", null],
  ["-1", null],
  ["36501", null],
  ["a year", null],
];
for (const [days, taken] of settings) {
  test(`a retention of ${days ?? "nothing"} is ${taken ?? "refused"}`, (t) => {
    const env = days === undefined ? {} : { FLOWSTATE_SIGNAL_RETENTION_DAYS: days };
    if (taken !== null) return t.is(readConfig(env).signalRetentionDays, taken);
    return t.throws(() => readConfig(env), {
      code: "FS_CONFIG_INVALID",
      message: `FLOWSTATE_SIGNAL_RETENTION_DAYS is "${days}"; it takes a whole number of days from 90 to 36500`,
    });
  });
}
