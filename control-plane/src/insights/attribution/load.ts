import { setImmediate as breathe } from "node:timers/promises";
import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { dayMs } from "@flowstate/shared/time";
import { loadAliases } from "../../directory/aliases.ts";
import type { UsageProviderKind } from "../../providers/kinds.ts";
import type { Reader } from "../../store/open.ts";
import { loadEmployees, loadTeams, systemOfBill } from "../../usage-queries/facts.ts";
import { windowBounds, type UsageWindow } from "../../usage-queries/window.ts";
import { loadAllocations, loadProjects } from "../forecast/load.ts";
import { paidBilling } from "../../usage/paid.ts";
import {
  addMeasures,
  nothing,
  type AttributionFacts,
  type BilledTotal,
  type ObservedCell,
  type PlaceFacts,
  type SessionCount,
} from "./facts.ts";

/** Everything that spend of these days is attributed by. Long windows are read some days at a time, so that others go on. */
export async function loadAttributionFacts(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
): Promise<AttributionFacts> {
  const { places, names } = await loadPlaceFacts(db, orgId, window);
  return {
    ...places,
    observed: await loadObserved(db, orgId, window, names),
    billed: await loadBilled(db, orgId, window, names),
    sessions: await loadSessions(db, orgId, window, names),
  };
}

/** Whose an address is, and which project calls mean. */
interface Names {
  readonly personOf: (subject: string) => string;
  readonly projectOf: (marker: string | null) => string | null;
  /** Every address of a person, their own one first. */
  readonly addressesOf: (person: string) => readonly string[];
}

export async function loadPlaceFacts(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
): Promise<{ readonly places: PlaceFacts; readonly names: Names }> {
  const [employees, teams, aliases, allocations, projects] = await Promise.all([
    loadEmployees(db, orgId),
    loadTeams(db, orgId),
    loadAliases(db, orgId),
    loadAllocations(db, orgId),
    loadProjects(db, orgId),
  ]);
  const marked = new Map(
    projects.flatMap(({ projectId, marker }) => (marker === null ? [] : [[marker, projectId]])),
  );
  return {
    places: { window, employees, teams, projects, allocations },
    names: {
      personOf: (subject) => aliases.get(subject) ?? subject,
      projectOf: (marker) => marked.get(marker ?? "") ?? null,
      addressesOf: (person) => [
        person,
        ...[...aliases].flatMap(([address, owner]) => (owner === person ? [address] : [])),
      ],
    },
  };
}

const spanMs = 7 * dayMs;

async function loadObserved(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
  { personOf, projectOf }: Names,
): Promise<readonly ObservedCell[]> {
  const { from, to } = windowBounds(window);
  const cells = new Map<string, ObservedCell>();
  const total = (columns: string) => sql`CAST(sum(${sql.raw(columns)}) AS BIGINT)`;
  for (let at = from; at < to; at += spanMs) {
    const { rows } = await sql<
      Omit<ObservedCell, "projectId"> & { project: string }
    >`SELECT provider AS system,
        subject, model, project, ${total("cost_nano_usd")} AS "listPrice",
        CAST(sum(CASE WHEN billing IN (${sql.join([...paidBilling])}) THEN cost_nano_usd ELSE 0 END) AS BIGINT) AS paid,
        ${total("input_tokens + cache_read_tokens + cache_write_5m_tokens + cache_write_1h_tokens")} AS "inputTokens",
        ${total("output_tokens")} AS "outputTokens", ${total("calls")} AS calls,
        ${total("uncosted_calls")} AS "uncostedCalls", ${total("estimated_calls")} AS "estimatedCalls"
      FROM usage_hours WHERE org_id = ${orgId} AND hour >= ${at} AND hour < ${Math.min(at + spanMs, to)}
      GROUP BY provider, subject, model, project`.execute(db);
    for (const { project, ...row } of rows) {
      const subject = personOf(row.subject);
      const projectId = projectOf(project);
      const model = row.model === "" ? null : row.model;
      const key = [row.system, subject, model ?? "", projectId ?? ""].join("\n");
      const place = { system: row.system, subject, model, projectId };
      const measured = { ...nothing, ...row };
      cells.set(key, { ...addMeasures(cells.get(key) ?? nothing, measured), ...place });
    }
    await breathe();
  }
  return [...cells.values()];
}

/** The vendors' money alone: their guesses and our shares of it would count it twice. */
async function loadBilled(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
  { personOf }: Names,
): Promise<readonly BilledTotal[]> {
  const rows = await db
    .selectFrom("billing_rows")
    .select(["kind", "service", "subject", "charge_frequency"])
    .select(sql<bigint>`CAST(sum(amount_nano_usd) AS BIGINT)`.as("nanoUsd"))
    .where("org_id", "=", orgId)
    .where("usage_day", ">=", window.startDate)
    .where("usage_day", "<=", window.endDate)
    .where("grade", "=", "billed")
    .where("withdrawn_at", "is", null)
    .groupBy(["kind", "service", "subject", "charge_frequency"])
    .execute();
  return rows.map(({ kind, service, subject, charge_frequency: frequency, nanoUsd }) => ({
    system: systemOfBill(kind as UsageProviderKind, service),
    subject: subject === null ? null : personOf(subject),
    flat: frequency === "Recurring",
    nanoUsd,
  }));
}

/** Sessions that began in the window. */
async function loadSessions(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
  { personOf, projectOf }: Names,
): Promise<readonly SessionCount[]> {
  const { from, to } = windowBounds(window);
  const counts: SessionCount[] = [];
  for (let at = from; at < to; at += spanMs) {
    const rows = await db
      .selectFrom("sessions")
      .select(["provider", "subject", "project", "models"])
      .select((row) => row.fn.countAll<bigint>().as("sessions"))
      .where("org_id", "=", orgId)
      .where("started_at", ">=", at)
      .where("started_at", "<", Math.min(at + spanMs, to))
      .groupBy(["provider", "subject", "project", "models"])
      .execute();
    for (const { provider, subject, project, models, sessions } of rows) {
      counts.push({
        system: provider,
        subject: personOf(subject),
        projectId: projectOf(project),
        models: JSON.parse(models) as string[],
        sessions: Number(sessions),
      });
    }
    await breathe();
  }
  return counts;
}
