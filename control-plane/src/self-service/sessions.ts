import { sql } from "kysely";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Reader, Writer } from "../store/open.ts";
import type { UsageTables } from "../usage/tables.ts";
import { windowBounds, type UsageWindow } from "../usage-queries/window.ts";

type Session = UsageTables["sessions"];

/** A session of one's own, with what one has said of it. */
export interface OwnSession {
  readonly session: Session;
  readonly note: string | null;
  /** Whether the person has said which project it was for. */
  readonly isMarked: boolean;
}

interface Page {
  readonly limit: number;
  readonly offset: number;
  /** Those alone that belong to no project of the directory. */
  readonly offProject?: boolean;
}

/** Sessions of these addresses that began in the window, the newest first. */
export async function listOwnSessions(
  db: Reader,
  orgId: OrgId,
  addresses: readonly string[],
  window: UsageWindow,
  { limit, offset, offProject = false }: Page,
): Promise<readonly OwnSession[]> {
  const { from, to } = windowBounds(window);
  let wanted = db
    .selectFrom("sessions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("subject", "in", addresses)
    .where("started_at", ">=", from)
    .where("started_at", "<", to);
  if (offProject) wanted = wanted.where(belongsToNone(orgId));
  const sessions = await wanted
    .orderBy("started_at", "desc")
    .orderBy("session_id")
    .limit(limit)
    .offset(offset)
    .execute();
  return describe(db, orgId, sessions);
}

function belongsToNone(orgId: OrgId) {
  return sql<boolean>`coalesce(project, '') NOT IN
    (SELECT marker FROM projects WHERE org_id = ${orgId} AND marker IS NOT NULL)`;
}

/** The same by identifier, in that order. Throws FS_NOT_FOUND where one of them is not one's own. */
export async function findOwnSessions(
  db: Reader,
  orgId: OrgId,
  addresses: readonly string[],
  ids: readonly string[],
): Promise<readonly OwnSession[]> {
  return describe(db, orgId, await requireOwnSessions(db, orgId, addresses, ids));
}

const mostSessions = 200;

/** Throws FS_NOT_FOUND where one of them is not of these addresses, FS_INPUT_INVALID for none and for too many. */
export async function requireOwnSessions(
  db: Reader,
  orgId: OrgId,
  addresses: readonly string[],
  ids: readonly string[],
): Promise<readonly Session[]> {
  if (ids.length === 0 || ids.length > mostSessions)
    throw new FlowstateError("FS_INPUT_INVALID", `ids: expected 1 to ${mostSessions}`);
  const rows = await db
    .selectFrom("sessions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("subject", "in", addresses)
    .where("session_id", "in", ids)
    .execute();
  const found = new Map(rows.map((row) => [row.session_id, row]));
  return [...new Set(ids)].map((id) => {
    const session = found.get(id);
    if (session !== undefined) return session;
    throw new FlowstateError("FS_NOT_FOUND", `you have no session "${id.slice(0, 40)}"`);
  });
}

const mostCharacters = 1000;

/** Keeps a note on a session for its person alone; null removes it. Throws FS_NOT_FOUND, FS_INPUT_INVALID. */
export async function noteSession(
  db: Writer,
  { orgId, now }: { readonly orgId: OrgId; readonly now: number },
  addresses: readonly string[],
  id: string,
  given: string | null,
): Promise<void> {
  await requireOwnSessions(db, orgId, addresses, [id]);
  const note = given?.trim() ?? "";
  if (note.length > mostCharacters)
    throw new FlowstateError("FS_INPUT_INVALID", `note takes up to ${mostCharacters} characters`);
  if (note === "") {
    await db
      .deleteFrom("ai_session_notes")
      .where("org_id", "=", orgId)
      .where("session_id", "=", id)
      .execute();
    return;
  }
  await db
    .insertInto("ai_session_notes")
    .values({ org_id: orgId, session_id: id, note, noted_at: now })
    .onConflict((on) => on.columns(["org_id", "session_id"]).doUpdateSet({ note, noted_at: now }))
    .execute();
}

async function describe(
  db: Reader,
  orgId: OrgId,
  sessions: readonly Session[],
): Promise<readonly OwnSession[]> {
  if (sessions.length === 0) return [];
  const ids = sessions.map(({ session_id }) => session_id);
  const [notes, marks] = await Promise.all([
    db
      .selectFrom("ai_session_notes")
      .select(["session_id", "note"])
      .where("org_id", "=", orgId)
      .where("session_id", "in", ids)
      .execute(),
    db
      .selectFrom("ai_session_marks")
      .select("session_id")
      .where("org_id", "=", orgId)
      .where("session_id", "in", ids)
      .execute(),
  ]);
  const noteOf = new Map(notes.map(({ session_id, note }) => [session_id, note]));
  const marked = new Set(marks.map(({ session_id }) => session_id));
  return sessions.map((session) => ({
    session,
    note: noteOf.get(session.session_id) ?? null,
    isMarked: marked.has(session.session_id),
  }));
}
