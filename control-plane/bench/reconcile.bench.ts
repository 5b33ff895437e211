/**
 * `node control-plane/bench/reconcile.bench.ts`: a month of 100,000 lines of bills against the hours of a million calls,
 * on both engines: a first run, a second that finds nothing new, and the month's figures, beside the plain SQL aggregate over
 * the same tables.
 *
 * Goals: a run under 10 s and 500 MB, figures under 50 ms.
 */
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { sql } from "kysely";
import { newOrgId } from "@flowstate/shared/ids";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { dayMs, hourMs, type Period } from "@flowstate/shared/time";
import { createOrg } from "../src/orgs/orgs.ts";
import { reconcilePeriod } from "../src/reconcile/run.ts";
import { summarise } from "../src/reconcile/summary.ts";
import { jsonRows, type ColumnType } from "../src/store/json-rows.ts";
import { openStore, type Store, type StoreAddress, type Writer } from "../src/store/open.ts";
import type { Engine } from "../src/store/words.ts";
import { databaseUrl, newDatabaseName, runOn, startPostgres } from "../test/support/postgres.ts";

const people = 1250;
const days = 20;
const models = ["model-a", "model-b", "model-c", "model-d"];
const callsPerLine = 10n;
const start = Date.parse("2026-10-01T00:00:00Z");
const now = Date.parse("2026-11-05T00:00:00Z");
const period = "2026-10" as Period;
const orgId = newOrgId();

using folder = temporaryFolder();
await measure("SQLite", { kind: "sqlite", file: join(folder.path, "control-plane.db") });
const postgres = await startPostgres();
if (postgres === null) process.stdout.write("PostgreSQL: not tried, no binaries for this machine\n");
else {
  const name = newDatabaseName();
  await runOn(postgres.url, `CREATE DATABASE ${name}`);
  await measure("PostgreSQL", { kind: "postgres", url: databaseUrl(postgres.url, name) });
  await postgres.stop();
}

async function measure(engine: string, address: StoreAddress): Promise<void> {
  await using store = await openStore(address);
  await store.transact((db) => createOrg(db, { orgId, slug: "bench", now }));
  const lines = await fill(store);
  const [first, firstMs] = await timed(() => reconcilePeriod(store, { orgId, period, now }));
  const [second, secondMs] = await timed(() => reconcilePeriod(store, { orgId, period, now }));
  const [summary, summaryMs] = await timed(() => summarise(store.reader, orgId, period, now));
  const [, plainMs] = await timed(() =>
    sql`SELECT (SELECT sum(amount_nano_usd) FROM billing_rows WHERE org_id = ${orgId} AND period = ${period}),
      (SELECT sum(cost_nano_usd) FROM usage_hours WHERE org_id = ${orgId})`.execute(store.reader),
  );
  const peakMb = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(
    [
      `${engine}: ${lines} lines of bills, ${BigInt(lines) * callsPerLine} calls in ${lines} hours`,
      `first run ${seconds(firstMs)} s, ${first.matches} matches, ${first.changed} changed; second ${seconds(secondMs)} s, ${second.changed} changed`,
      `figures ${summaryMs.toFixed(0)} ms, ${summary.causes.length} causes; plain aggregate ${plainMs.toFixed(0)} ms (${(summaryMs / plainMs).toFixed(2)} x; the run ${(firstMs / plainMs).toFixed(0)} x)`,
      `peak ${peakMb.toFixed(0)} MB so far`,
      "",
    ].join("\n"),
  );
}

async function fill(store: Store): Promise<number> {
  let lines = 0;
  for (let day = 0; day < days; day += 1) {
    const at = start + day * dayMs + 9 * hourMs;
    const facts = Array.from({ length: people }, (_, person) =>
      models.map((model, index) => ({
        subject: `person${person}@example.com`,
        model,
        cost: BigInt((person * 7 + index * 13 + day) % 997) * 10_000_000n + BigInt(index),
      })),
    ).flat();
    await store.transact(async (db) => {
      await insertHours(db, store.engine, at, facts);
      await insertLines(db, store.engine, at, facts);
    });
    lines += facts.length;
  }
  return lines;
}

interface Fact {
  readonly subject: string;
  readonly model: string;
  readonly cost: bigint;
}

async function insertHours(db: Writer, engine: Engine, at: number, facts: readonly Fact[]): Promise<void> {
  await insert(
    db,
    engine,
    "usage_hours",
    {
      hour: "integer",
      subject: "text",
      provider: "text",
      tool: "text",
      model: "text",
      project: "text",
      billing: "text",
      input_tokens: "integer",
      output_tokens: "integer",
      cache_read_tokens: "integer",
      cache_write_5m_tokens: "integer",
      cache_write_1h_tokens: "integer",
      reasoning_tokens: "integer",
      calls: "integer",
      cost_nano_usd: "integer",
      uncosted_calls: "integer",
      estimated_calls: "integer",
    },
    facts.map(({ subject, model, cost }) => [
      at,
      subject,
      "anthropic",
      "bench",
      model,
      "",
      "metered",
      1000,
      100,
      0,
      0,
      0,
      0,
      callsPerLine,
      cost,
      0,
      0,
    ]),
  );
}

/** Nine lines of ten as they were observed, the tenth unseen by a fifth. */
async function insertLines(db: Writer, engine: Engine, at: number, facts: readonly Fact[]): Promise<void> {
  const day = new Date(at).toISOString().slice(0, 10);
  const fixed = {
    provider_id: "p",
    kind: "ANTHROPIC",
    revision: 1,
    grade: "billed",
    charge_category: "Usage",
    charge_frequency: "Usage-Based",
    service: "anthropic-api",
    identity_kind: "email",
    usage_day: day,
    period,
    description: "tokens",
    original_currency: "USD",
    settled: 1,
    raw_hash: "",
    first_seen_at: now,
    last_seen_at: now,
    updated_at: now,
  } as const;
  const columns: Record<string, ColumnType> = {
    row_id: "text",
    fact_key: "text",
    subject: "text",
    model: "text",
    amount_nano_usd: "integer",
    ...Object.fromEntries(
      Object.entries(fixed).map(([name, value]) => [name, typeof value === "number" ? "integer" : "text"]),
    ),
  };
  await insert(
    db,
    engine,
    "billing_rows",
    columns,
    facts.map(({ subject, model, cost }, index) => {
      const id = `${day}-${index}`;
      const amount = index % 10 === 0 ? (cost * 6n) / 5n : cost;
      return [id, id, subject, model, amount, ...Object.values(fixed)];
    }),
  );
}

async function insert(
  db: Writer,
  engine: Engine,
  table: "usage_hours" | "billing_rows",
  columns: Readonly<Record<string, ColumnType>>,
  values: readonly (readonly (string | number | bigint)[])[],
): Promise<void> {
  const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  await sql`INSERT INTO ${sql.table(table)} (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS made`.execute(db);
}

async function timed<T>(run: () => Promise<T>): Promise<readonly [T, number]> {
  const startedAt = performance.now();
  const result = await run();
  return [result, performance.now() - startedAt];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
