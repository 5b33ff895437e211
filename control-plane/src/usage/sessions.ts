import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { sumColumns } from "./rows.ts";
import type { UsageTables } from "./tables.ts";

type Aggregate = Omit<UsageTables["sessions"], "org_id" | "models">;

/** Makes sessions anew from their calls; one without calls goes away. */
export async function rebuildSessions(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  sessionIds: readonly string[],
): Promise<void> {
  if (sessionIds.length === 0) return;
  const own = sql`org_id = ${orgId} AND session_id IN (SELECT session_id FROM ${jsonRows(
    engine,
    { session_id: "text" },
    sessionIds.map((id) => [id]),
  )} AS ids)`;
  const tokens = sumColumns
    .filter((name) => name.endsWith("_tokens") || name === "cost_nano_usd")
    .map((name) => sql`CAST(coalesce(sum(${sql.id(name)}), 0) AS BIGINT) AS ${sql.id(name)}`);
  const { rows } = await sql<Aggregate>`SELECT session_id, min(subject) AS subject, min(provider) AS provider,
      min(tool) AS tool, max(project) AS project, min(occurred_at) AS started_at,
      max(occurred_at + coalesce(duration_ms, 0)) AS ended_at, ${sql.join(tokens)},
      count(*) AS calls, CAST(sum(CASE WHEN cost_nano_usd IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS uncosted_calls,
      CAST(sum(estimated) AS BIGINT) AS estimated_calls
    FROM calls WHERE ${own} GROUP BY session_id`.execute(db);
  const { rows: named } = await sql<{ session_id: string; model: string }>`SELECT DISTINCT session_id, model
    FROM calls WHERE ${own} AND model IS NOT NULL ORDER BY model`.execute(db);
  const modelsOf = Map.groupBy(named, ({ session_id }) => session_id);
  await sql`DELETE FROM sessions WHERE ${own}`.execute(db);
  const columns: Record<string, ColumnType> = {
    session_id: "text",
    subject: "text",
    provider: "text",
    tool: "text",
    project: "text",
    models: "text",
    started_at: "integer",
    ended_at: "integer",
    ...Object.fromEntries(sumColumns.map((name) => [name, "integer"])),
  };
  const names = Object.keys(columns);
  const values = rows.map((row) => {
    const models = JSON.stringify((modelsOf.get(row.session_id) ?? []).map(({ model }) => model).sort());
    const whole: Record<string, unknown> = { ...row, models };
    return names.map((name) => whole[name] as string | number | bigint | null);
  });
  if (values.length === 0) return;
  const list = sql.join(names.map((name) => sql.id(name)));
  await sql`INSERT INTO sessions (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS made`.execute(db);
}
