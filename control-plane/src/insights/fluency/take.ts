import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dateOf } from "@flowstate/shared/time";
import { fluencyIndicators, type FluencyEvent } from "@flowstate/shared/wire/fluency";
import { jsonRows, type ColumnType } from "../../store/json-rows.ts";
import type { Writer } from "../../store/open.ts";
import type { Engine } from "../../store/words.ts";
import { isServiceAccount } from "../../service-accounts/subject.ts";

export interface FluencyReport {
  readonly orgId: OrgId;
  readonly subject: string;
  readonly now: number;
}

export interface RejectedConversation {
  readonly seq: number;
  readonly reason: string;
}

interface Known {
  readonly subject: string;
  readonly day: string;
  readonly rank: Rank;
}

/** Newer rules come before a later turn, and that before a further telling, whatever order they arrive in. */
type Rank = readonly [ruleVersion: number, occurredAt: number, revision: number];

/**
 * Takes what a device found in conversations: of several tellings of one the newest stands. Returns those that cannot
 * be taken.
 */
export async function takeFluency(
  db: Writer,
  engine: Engine,
  { orgId, subject, now }: FluencyReport,
  events: readonly FluencyEvent[],
): Promise<readonly RejectedConversation[]> {
  if (events.length === 0) return [];
  if (isServiceAccount(subject)) {
    const reason = "fluency is a person's, and this key speaks for a service account";
    return events.map(({ seq }) => ({ seq, reason }));
  }
  const known = await findKnown(db, engine, orgId, events);
  const foreign = await findForeign(db, engine, orgId, subject, events);
  const newest = new Map<string, FluencyEvent>();
  for (const event of events) {
    const { sessionId } = event;
    const before = newest.get(sessionId);
    const standing = before === undefined ? known.get(sessionId)?.rank : rankOf(before);
    if (foreign.has(sessionId) || (standing !== undefined && !isAfter(rankOf(event), standing))) continue;
    newest.set(sessionId, event);
  }
  if (newest.size > 0) {
    await write(db, engine, { orgId, subject, now }, [...newest.values()]);
    const days = [...newest].flatMap(([sessionId, { occurredAt }]) => [
      dateOf(Date.parse(occurredAt)),
      known.get(sessionId)?.day ?? dateOf(Date.parse(occurredAt)),
    ]);
    await rebuildDays(db, { orgId, subject }, [...new Set(days)]);
  }
  const reason = "this session belongs to another person";
  return events.flatMap(({ seq, sessionId }) => (foreign.has(sessionId) ? [{ seq, reason }] : []));
}

function rankOf({ ruleVersion, occurredAt, revision }: FluencyEvent): Rank {
  return [ruleVersion, Date.parse(occurredAt), revision];
}

function isAfter(rank: Rank, other: Rank): boolean {
  const difference = rank.map((value, index) => value - (other[index] ?? 0)).find((by) => by !== 0);
  return difference !== undefined && difference > 0;
}

async function findKnown(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  events: readonly FluencyEvent[],
): Promise<ReadonlyMap<string, Known>> {
  const rows = await db
    .selectFrom("fluency_sessions")
    .select(["session_id", "subject", "day", "rule_version", "occurred_at", "revision"])
    .where("org_id", "=", orgId)
    .where(sql<boolean>`session_id IN ${idsOf(engine, events)}`)
    .execute();
  return new Map(
    rows.map(({ session_id, subject, day, rule_version, occurred_at, revision }) => [
      session_id,
      { subject, day, rank: [Number(rule_version), occurred_at, Number(revision)] },
    ]),
  );
}

/** Sessions that another person has already told of, by their calls or by their fluency. */
async function findForeign(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  subject: string,
  events: readonly FluencyEvent[],
): Promise<ReadonlySet<string>> {
  const ids = idsOf(engine, events);
  const { rows } = await sql<{ session_id: string }>`
    SELECT session_id FROM sessions WHERE org_id = ${orgId} AND session_id IN ${ids} AND subject <> ${subject}
    UNION
    SELECT session_id FROM fluency_sessions WHERE org_id = ${orgId} AND session_id IN ${ids} AND subject <> ${subject}
  `.execute(db);
  return new Set(rows.map(({ session_id }) => session_id));
}

function idsOf(engine: Engine, events: readonly FluencyEvent[]) {
  const ids = jsonRows(
    engine,
    { session_id: "text" },
    events.map(({ sessionId }) => [sessionId]),
  );
  return sql`(SELECT session_id FROM ${ids} AS ids)`;
}

const facts = {
  session_id: "text",
  subject: "text",
  tool: "text",
  day: "text",
  occurred_at: "integer",
  rule_version: "integer",
  revision: "integer",
  received_at: "integer",
} as const satisfies Record<string, ColumnType>;

const counted = fluencyIndicators.flatMap((name) => [`${name}_observed`, `${name}_opportunities`]);
const columns: Readonly<Record<string, ColumnType>> = {
  ...facts,
  ...Object.fromEntries(counted.map((name) => [name, "integer"])),
};

async function write(
  db: Writer,
  engine: Engine,
  { orgId, subject, now }: FluencyReport,
  events: readonly FluencyEvent[],
): Promise<void> {
  const values = events.map(({ sessionId, tool, occurredAt, ruleVersion, revision, indicators }) => {
    const at = Date.parse(occurredAt);
    const counts = fluencyIndicators.flatMap((name) => [
      indicators[name].observed,
      indicators[name].opportunities,
    ]);
    return [sessionId, subject, tool, dateOf(at), at, ruleVersion, revision, now, ...counts];
  });
  const list = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  const renewed = Object.keys(columns).filter((name) => name !== "session_id");
  await sql`INSERT INTO fluency_sessions (org_id, ${list})
    SELECT ${orgId}, ${list} FROM ${jsonRows(engine, columns, values)} AS made WHERE true
    ON CONFLICT (org_id, session_id) DO UPDATE SET
      ${sql.join(renewed.map((name) => sql`${sql.id(name)} = excluded.${sql.id(name)}`))}`.execute(db);
}

/** Makes a person's days anew from their conversations, so that no order of arrival matters. */
async function rebuildDays(
  db: Writer,
  { orgId, subject }: Pick<FluencyReport, "orgId" | "subject">,
  days: readonly string[],
): Promise<void> {
  const own = sql`org_id = ${orgId} AND subject = ${subject} AND day IN (${sql.join([...days])})`;
  const share = (condition: string) =>
    sql`CAST(sum(CASE WHEN ${sql.raw(condition)} > 0 THEN 1 ELSE 0 END) AS BIGINT)`;
  const names = fluencyIndicators.flatMap((name) => [`${name}_present`, `${name}_sample`]);
  const sums = fluencyIndicators.flatMap((name) => [
    share(`${name}_observed`),
    share(`${name}_opportunities`),
  ]);
  await sql`DELETE FROM fluency_days WHERE ${own}`.execute(db);
  await sql`INSERT INTO fluency_days
      (org_id, day, subject, rule_version, conversations, ${sql.join(names.map((name) => sql.id(name)))})
    SELECT org_id, day, subject, rule_version, count(*), ${sql.join(sums)}
    FROM fluency_sessions WHERE ${own} GROUP BY org_id, day, subject, rule_version`.execute(db);
}
