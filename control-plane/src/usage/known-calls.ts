import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { jsonRows } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import type { Report } from "./resolve.ts";
import { callColumns, reportOf, type StoredCall } from "./rows.ts";

/** A call as it is stored, with everything that is known under its names. */
export interface KnownCall {
  readonly row: StoredCall;
  readonly names: readonly string[];
  readonly reports: readonly Report[];
}

/** Every stored call that has one of these names. */
export async function findKnownCalls(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  names: readonly string[],
): Promise<readonly KnownCall[]> {
  const given = jsonRows(
    engine,
    { name: "text" },
    names.map((name) => [name]),
  );
  const { rows: found } = await sql<{ call_id: string }>`SELECT DISTINCT call_id FROM call_names
    WHERE org_id = ${orgId} AND name IN (SELECT name FROM ${given} AS given)`.execute(db);
  if (found.length === 0) return [];
  const ids = sql`(SELECT call_id FROM ${jsonRows(
    engine,
    { call_id: "text" },
    found.map(({ call_id }) => [call_id]),
  )} AS ids)`;
  const own = sql<boolean>`call_id IN ${ids}`;
  const columns = Object.keys(callColumns) as (keyof typeof callColumns)[];
  const rows = await db.selectFrom("calls").select(columns).where("org_id", "=", orgId).where(own).execute();
  const named = await db
    .selectFrom("call_names")
    .select(["name", "call_id"])
    .where("org_id", "=", orgId)
    .where(own)
    .execute();
  const reported = await db
    .selectFrom("call_reports")
    .select(["call_id", "report"])
    .where("org_id", "=", orgId)
    .where(own)
    .execute();
  const namesOf = Map.groupBy(named, ({ call_id }) => call_id);
  const reportsOf = Map.groupBy(reported, ({ call_id }) => call_id);
  return rows.map((row) => {
    const names = (namesOf.get(row.call_id) ?? []).map(({ name }) => name).sort();
    const reports = (reportsOf.get(row.call_id) ?? []).map(({ report }) => JSON.parse(report) as Report);
    return { row, names, reports: reports.length === 0 ? [reportOf(row, names)] : reports };
  });
}
