/**
 * `node control-plane/bench/fluency.bench.ts`: 5,000 people, each with conversations on every day of the last 114, and
 * what a rollup of 30 days and a trend of 12 weeks take, on SQLite.
 *
 * Goal: 2 s and 10 s. Measured on 2 shared cores with six others at work: 0.21 s and 2.2 s.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { sql } from "kysely";
import { newOrgId } from "@flowstate/shared/ids";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { dateOf, dayMs } from "@flowstate/shared/time";
import { fluencyIndicators } from "@flowstate/shared/wire/fluency";
import { permissions } from "../src/access/permissions.ts";
import { fluencyRollup, fluencyTrend } from "../src/insights/fluency/answer.ts";
import { createOrg } from "../src/orgs/orgs.ts";
import { jsonRows } from "../src/store/json-rows.ts";
import { openStore } from "../src/store/open.ts";

const people = 5000;
const days = 114;
const now = Date.now();
const orgId = newOrgId();

using folder = temporaryFolder();
await using store = await openStore({ kind: "sqlite", file: join(folder.path, "control-plane.db") });
await store.transact((db) => createOrg(db, { orgId, slug: "bench", now }));
for (let back = 0; back < days; back += 1) await fillDay(dateOf(now - back * dayMs));

const caller = { kind: "operator", orgId, permissions: new Set(permissions) } as const;
const asked = { scope: { kind: "ORG" }, windowDays: 30, now } as const;
const took = [
  ["rollup of 30 days", await timed(() => fluencyRollup(store.reader, caller, asked)), 2000],
  [
    "trend of 12 weeks",
    await timed(() => fluencyTrend(store.reader, caller, { ...asked, weeks: 12 })),
    10_000,
  ],
] as const;
for (const [what, ms, goal] of took) {
  process.stdout.write(`${what}: ${Math.round(ms)} ms\n`);
  if (ms > goal) process.exitCode = 1;
}

async function fillDay(day: string): Promise<void> {
  const counts = fluencyIndicators.flatMap((name) => [`${name}_present`, `${name}_sample`]);
  const list = sql.join(counts.map((name) => sql.id(name)));
  const subjects = jsonRows(
    store.engine,
    { subject: "text" },
    Array.from({ length: people }, (_, at) => [`person${at}@example.com`]),
  );
  const values = sql.join(counts.map((_, at) => sql.lit(at % 2 === 0 ? 1 : 4)));
  await store.transact((db) =>
    sql`INSERT INTO fluency_days (org_id, day, subject, rule_version, conversations, ${list})
      SELECT ${orgId}, ${day}, subject, 1, 4, ${values} FROM ${subjects} AS given`.execute(db),
  );
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
