import { sql } from "kysely";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { periodOf } from "@flowstate/shared/time";
import { recordAudit } from "../audit/record.ts";
import { jsonRows } from "../store/json-rows.ts";
import type { Reader, Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";
import { recordUsageChanged } from "../usage/changed.ts";
import type { TouchedCall } from "../usage/join.ts";
import { findKnownCalls } from "../usage/known-calls.ts";
import { resolveReports } from "../usage/resolve.ts";
import { storeCalls } from "../usage/store-calls.ts";
import { requireOwnSessions } from "./sessions.ts";

export interface Marking {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
  /** The addresses of whoever marks. */
  readonly addresses: readonly string[];
  readonly sessionIds: readonly string[];
  /** Null takes the mark back. */
  readonly projectId: string | null;
}

/**
 * Says for which project a person's own sessions were: their calls, hours and attribution follow, also for what devices
 * tell of them later. Throws FS_NOT_FOUND for sessions of others, FS_CONFLICT for a project whose calls could not be
 * told from others.
 */
export async function markSessions(db: Writer, engine: Engine, marking: Marking): Promise<void> {
  const { orgId, actor, now, sessionIds, projectId } = marking;
  const sessions = await requireOwnSessions(db, orgId, marking.addresses, sessionIds);
  const project = projectId === null ? null : await requireMarker(db, orgId, projectId);
  const marks = await findMarks(db, engine, orgId, sessionIds);
  const projects = new Map(
    sessions.map(({ session_id, project: told }) => {
      const before = marks.get(session_id)?.before ?? (marks.has(session_id) ? null : told);
      return [session_id, { before, now: project ?? before }];
    }),
  );
  await db
    .deleteFrom("ai_session_marks")
    .where("org_id", "=", orgId)
    .where("session_id", "in", sessionIds)
    .execute();
  if (project !== null) {
    await db
      .insertInto("ai_session_marks")
      .values(
        [...projects].map(([session_id, { before }]) => ({
          org_id: orgId,
          session_id,
          project,
          before_project: before,
          marked_at: now,
        })),
      )
      .execute();
  }
  const touched = await callsOf(db, engine, orgId, sessionIds);
  const moved = touched.map((call) =>
    withProject(call, projects.get(call.resolved.report.sessionId)?.now ?? null),
  );
  const changed = await storeCalls(db, engine, orgId, moved, now);
  await recordUsageChanged(db, orgId, new Set(changed.map((call) => periodOf(call.occurred_at))), now);
  await recordAudit(db, {
    orgId,
    at: now,
    actor,
    action: project === null ? "ai_sessions.unmarked" : "ai_sessions.marked",
    target: project,
    detail: `${sessionIds.length} of ${marking.addresses[0] ?? actor}`,
  });
}

/** Calls of sessions that were marked keep their project, whatever a device says of them. */
export async function applyMarks(
  db: Reader,
  engine: Engine,
  orgId: OrgId,
  touched: readonly TouchedCall[],
): Promise<readonly TouchedCall[]> {
  const ids = [...new Set(touched.map(({ resolved }) => resolved.report.sessionId))];
  const marks = await findMarks(db, engine, orgId, ids);
  if (marks.size === 0) return touched;
  return touched.map((call) => {
    const mark = marks.get(call.resolved.report.sessionId);
    return mark === undefined ? call : withProject(call, mark.project);
  });
}

function withProject(call: TouchedCall, project: string | null): TouchedCall {
  const { resolved } = call;
  return { ...call, resolved: { ...resolved, report: { ...resolved.report, project } } };
}

interface Mark {
  readonly project: string;
  readonly before: string | null;
}

async function findMarks(
  db: Reader,
  engine: Engine,
  orgId: OrgId,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, Mark>> {
  if (sessionIds.length === 0) return new Map();
  const given = jsonRows(
    engine,
    { session_id: "text" },
    sessionIds.map((id) => [id]),
  );
  const rows = await db
    .selectFrom("ai_session_marks")
    .select(["session_id", "project", "before_project"])
    .where("org_id", "=", orgId)
    .where(sql<boolean>`session_id IN (SELECT session_id FROM ${given} AS given)`)
    .execute();
  return new Map(
    rows.map(({ session_id, project, before_project }) => [session_id, { project, before: before_project }]),
  );
}

async function callsOf(
  db: Writer,
  engine: Engine,
  orgId: OrgId,
  sessionIds: readonly string[],
): Promise<readonly TouchedCall[]> {
  const rows = await db
    .selectFrom("calls")
    .select("call_id")
    .where("org_id", "=", orgId)
    .where("session_id", "in", sessionIds)
    .execute();
  const known = await findKnownCalls(
    db,
    engine,
    orgId,
    rows.map(({ call_id }) => call_id),
  );
  return known.flatMap((call) => {
    const [first, ...rest] = call.reports;
    if (first === undefined) return [];
    const reports = [first, ...rest] as const;
    return [{ before: [call], reports: [...reports], resolved: resolveReports([...reports]) }];
  });
}

async function requireMarker(db: Reader, orgId: OrgId, projectId: string): Promise<string> {
  const project = await db
    .selectFrom("projects")
    .select(["name", "marker"])
    .where("org_id", "=", orgId)
    .where("project_id", "=", projectId)
    .where("archived_at", "is", null)
    .executeTakeFirst();
  if (project === undefined)
    throw new FlowstateError("FS_NOT_FOUND", `there is no project "${projectId.slice(0, 40)}"`);
  if (project.marker !== null) return project.marker;
  throw new FlowstateError(
    "FS_CONFLICT",
    `${project.name} has no marker; who keeps the directory can set one`,
  );
}
