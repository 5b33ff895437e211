import { sql, type RawBuilder } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dateOf } from "@flowstate/shared/time";
import type { Writer } from "../store/open.ts";

/** Rows of one table that are deleted once they are old. */
export interface Aging {
  /** As the audit log counts them. */
  readonly what: string;
  readonly table: string;
  /** The column by which they age; an index has it. */
  readonly time: string;
  /** An instant, the beginning of a UTC day, as that column writes it. */
  readonly write: (at: number) => number | string;
  /** What else has to be so for a row to be old. */
  readonly also: (before: number) => RawBuilder<unknown>;
}

const itself = (at: number): number => at;
const nothing = (): RawBuilder<unknown> => sql``;

/**
 * Signals, and the rows by day from which they and the lists beside them are drawn. A signal that has been resolved is as
 * old as its resolution. An open one that somebody should look at is never old.
 */
export const agingRows: readonly Aging[] = [
  {
    what: "signals",
    table: "signals",
    time: "detected_at",
    write: itself,
    also: (before) => sql` AND updated_at < ${before} AND coalesce(resolved_at, updated_at) < ${before}
      AND (resolution IS NOT NULL OR severity = ${"INFO"})`,
  },
  {
    what: "findings of content rules",
    table: "content_findings",
    time: "occurred_at",
    write: itself,
    also: nothing,
  },
  { what: "policy hits", table: "policy_hits", time: "day_at", write: itself, also: nothing },
  { what: "people's days", table: "person_days", time: "day", write: dateOf, also: nothing },
];

/** What one step did; after the last one no row is old. */
export interface Step {
  readonly rows: number;
  readonly isLast: boolean;
}

/** Deletes the oldest of a table's old rows: so many, and those of the same time as the last of them. */
export async function deleteOldest(
  db: Writer,
  orgId: OrgId,
  { table, time, write, also }: Aging,
  { before, most }: { readonly before: number; readonly most: number },
): Promise<Step> {
  const column = sql.ref(time);
  const old = sql`org_id = ${orgId} AND ${column} < ${write(before)}${also(before)}`;
  const { rows: found } = await sql<{ readonly at: number | string }>`SELECT ${column} AS at
    FROM ${sql.table(table)} WHERE ${old} ORDER BY ${column} LIMIT 1 OFFSET ${most - 1}`.execute(db);
  const [last] = found;
  const upTo = last === undefined ? sql`` : sql` AND ${column} <= ${last.at}`;
  const { numAffectedRows } = await sql`DELETE FROM ${sql.table(table)} WHERE ${old}${upTo}`.execute(db);
  return { rows: Number(numAffectedRows ?? 0n), isLast: last === undefined };
}
