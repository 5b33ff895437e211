import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { Period } from "@flowstate/shared/time";
import { jsonRows, type ColumnType } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import type { Match } from "./facts.ts";
import type { StandingLine } from "./load.ts";
import { scoreOf } from "./score.ts";

/** Rows of one statement: as many as stay small in memory. */
const atOnce = 2000;

export interface NamedMatch {
  readonly id: string;
  readonly match: Match;
}

/** The same match keeps its id, so that a run over the same facts writes nothing. */
export function matchIdOf({ rowIds, factIds, rule, billed, observed, evidence, outcome }: Match): string {
  const parts = [rowIds.toSorted(), factIds.toSorted(), rule, outcome, String(billed), String(observed)];
  return createHash("sha256")
    .update(JSON.stringify([...parts, scoreOf(evidence)]))
    .digest("hex")
    .slice(0, 32);
}

/** The month's matches that a run may replace. */
export async function replaceableMatches(
  db: Writer,
  orgId: OrgId,
  period: Period,
  frozen: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom("reconciliation_matches")
    .select("match_id")
    .where("org_id", "=", orgId)
    .where("period", "=", period)
    .execute();
  return new Set(rows.map(({ match_id }) => match_id)).difference(frozen);
}

export async function dropMatches(db: Writer, orgId: OrgId, gone: ReadonlySet<string>): Promise<void> {
  const all = [...gone];
  for (let at = 0; at < all.length; at += 500) {
    const ids = all.slice(at, at + 500);
    for (const table of ["matched_facts", "reconciliation_matches"] as const) {
      await db.deleteFrom(table).where("org_id", "=", orgId).where("match_id", "in", ids).execute();
    }
  }
}

export async function storeMatches(
  db: Writer,
  engine: Engine,
  { orgId, period, now }: { readonly orgId: OrgId; readonly period: Period; readonly now: number },
  matches: readonly NamedMatch[],
): Promise<void> {
  for (let at = 0; at < matches.length; at += atOnce) {
    const some = matches.slice(at, at + atOnce);
    await insert(
      db,
      engine,
      orgId,
      "reconciliation_matches",
      {
        match_id: "text",
        period: "text",
        rule: "text",
        billed_nano_usd: "integer",
        observed_nano_usd: "integer",
        ambiguous: "integer",
        evidence: "text",
        shares: "text",
        matched_at: "integer",
      },
      some.map(({ id, match }) => [
        id,
        period,
        match.rule,
        match.billed,
        match.observed,
        match.ambiguous ? 1n : 0n,
        JSON.stringify(match.evidence),
        JSON.stringify(match.shares.map(({ rowId, subject, amount }) => [rowId, subject, String(amount)])),
        now,
      ]),
    );
    await insert(
      db,
      engine,
      orgId,
      "matched_facts",
      { fact_id: "text", match_id: "text" },
      some.flatMap(({ id, match }) => match.factIds.map((factId) => [factId, id])),
    );
  }
}

const standingColumns = {
  row_id: "text",
  period: "text",
  status: "text",
  version: "integer",
  match_id: "text",
  updated_at: "integer",
} as const;

/** Writes where open rows stand now; those that stand as before are left alone. */
export async function storeStandings(
  db: Writer,
  engine: Engine,
  { orgId, now }: { readonly orgId: OrgId; readonly now: number },
  open: readonly StandingLine[],
  standing: readonly StandingLine[],
): Promise<number> {
  const before = new Map(open.map((line) => [line.row_id, line]));
  const changes = standing.flatMap(({ row_id, period, status, match_id, version }) => {
    const old = before.get(row_id);
    const same = old === undefined || (version > 0n && old.status === status && old.match_id === match_id);
    return same ? [] : [[row_id, period, status, version + 1n, match_id, now]];
  });
  await upsertStandings(db, engine, orgId, changes);
  return changes.length;
}

async function upsertStandings(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  values: readonly (readonly (string | number | bigint | null)[])[],
): Promise<void> {
  const list = sql.join(Object.keys(standingColumns).map((name) => sql.id(name)));
  for (let at = 0; at < values.length; at += atOnce) {
    const part = jsonRows(engine, standingColumns, values.slice(at, at + atOnce));
    await sql`INSERT INTO reconciliation_rows (org_id, ${list}) SELECT ${orgId}, ${list} FROM ${part} AS given WHERE TRUE
      ON CONFLICT (org_id, row_id) DO UPDATE SET status = excluded.status, version = excluded.version,
        match_id = excluded.match_id, updated_at = excluded.updated_at`.execute(db);
  }
}

async function insert(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  table: "reconciliation_matches" | "matched_facts",
  columns: Readonly<Record<string, ColumnType>>,
  values: readonly (readonly (string | number | bigint | null)[])[],
): Promise<void> {
  if (values.length === 0) return;
  const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  await sql`INSERT INTO ${sql.table(table)} (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS given`.execute(db);
}
