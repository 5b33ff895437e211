import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import type { TouchedCall } from "./join.ts";
import { callColumns, callRow, type StoredCall } from "./rows.ts";
import { rebuildSessions } from "./sessions.ts";
import { addToSums } from "./sums.ts";
import { addToSpendDays } from "./spend-days.ts";

/** Writes what a batch has changed, and lets hours, days and sessions follow by the difference. */
export async function storeCalls(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  touched: readonly TouchedCall[],
  now: number,
): Promise<readonly StoredCall[]> {
  const changes = touched.map((call) => {
    const firstReceived = Math.min(now, ...call.before.map(({ row }) => row.received_at));
    return { call, after: callRow(call.resolved, firstReceived) };
  });
  const gone = changes.flatMap(({ call, after }) =>
    call.before.map(({ row }) => row.call_id).filter((id) => id !== after.call_id),
  );
  await deleteCalls(db, orgId, gone);
  const rows = changes.map(({ after }) => after);
  await upsertCalls(db, engine, orgId, rows);
  await upsertNames(db, engine, orgId, touched);
  await upsertReports(db, engine, orgId, touched);
  const before = touched.flatMap((call) => call.before.map(({ row }) => row));
  await addToSums(db, engine, orgId, before, rows);
  await addToSpendDays(db, engine, orgId, before, rows);
  const sessions = new Set([...before, ...rows].map(({ session_id }) => session_id));
  await rebuildSessions(db, engine, orgId, [...sessions]);
  return [...before, ...rows];
}

async function deleteCalls(db: Writer, orgId: OrgId, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await db.deleteFrom("calls").where("org_id", "=", orgId).where("call_id", "in", ids).execute();
}

async function upsertCalls(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  rows: readonly StoredCall[],
): Promise<void> {
  const names = Object.keys(callColumns) as (keyof typeof callColumns)[];
  const values = rows.map((row) => names.map((name) => row[name]));
  await upsert(db, engine, { table: "calls", orgId, columns: callColumns, key: ["call_id"], values });
}

async function upsertNames(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  touched: readonly TouchedCall[],
): Promise<void> {
  const columns = { name: "text", call_id: "text" } as const;
  const values = touched.flatMap(({ resolved }) => resolved.names.map((name) => [name, resolved.callId]));
  await upsert(db, engine, { table: "call_names", orgId, columns, key: ["name"], values });
}

/** A call with one report needs no second copy of it. */
async function upsertReports(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  touched: readonly TouchedCall[],
): Promise<void> {
  const columns = { source: "text", report_id: "text", call_id: "text", report: "text" } as const;
  const values = touched
    .filter(({ reports }) => reports.length > 1)
    .flatMap(({ reports, resolved }) =>
      reports.map((report) => [report.source, report.callId, resolved.callId, JSON.stringify(report)]),
    );
  const key = ["source", "report_id"];
  await upsert(db, engine, { table: "call_reports", orgId, columns, key, values });
}

interface Upsert {
  readonly table: "calls" | "call_names" | "call_reports";
  readonly orgId: OrgId;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly key: readonly string[];
  readonly values: readonly (readonly (string | number | bigint | null)[])[];
}

async function upsert(
  db: Writer,
  engine: Engine,
  { table, orgId, columns, key, values }: Upsert,
): Promise<void> {
  if (values.length === 0) return;
  const names = Object.keys(columns);
  const list = sql.join(names.map((name) => sql.id(name)));
  const changed = names
    .filter((name) => !key.includes(name))
    .map((name) => sql`${sql.id(name)} = ${sql.id("excluded", name)}`);
  await sql`INSERT INTO ${sql.table(table)} (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS given WHERE TRUE
    ON CONFLICT (org_id, ${sql.join(key.map((name) => sql.id(name)))}) DO UPDATE SET ${sql.join(changed)}`.execute(
    db,
  );
}
