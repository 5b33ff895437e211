import { FlowstateError } from "@flowstate/shared/errors";
import type { Principal } from "../access/check.ts";
import { addressesOf, loadAliases } from "../directory/aliases.ts";
import { loadManaged, managersOf } from "../directory/managers.ts";
import type { Reader } from "../store/open.ts";
import { loadAccountable } from "./readings.ts";
import { readStandings, type Nudge, type TrackStanding } from "./standing.ts";
import { listThreads, type NudgeThread } from "./threads.ts";

/** What somebody else is shown of where a person stands. */
export interface SharedStanding {
  readonly standing: TrackStanding;
  readonly threads: readonly NudgeThread[];
}

/**
 * Tracks of which the caller may see a nudge. Managers, direct and above, see those that were involved: tier 3, and
 * what their people replied to. AI_GOVERNANCE_VIEW sees what is escalated, and stands in for a manager where there is
 * none. Tiers 1 and 2 stay between the program and the person.
 */
export async function listSharedStandings(
  db: Reader,
  caller: Principal,
  now: number,
): Promise<readonly SharedStanding[]> {
  const { orgId } = caller;
  const threads = await listThreads(db, orgId, "shared", now);
  if (threads.length === 0) return [];
  const [aliases, colleagues, everybody] = await Promise.all([
    loadAliases(db, orgId),
    loadManaged(db, orgId),
    loadAccountable(db, orgId),
  ]);
  const byId = new Map(colleagues.map((colleague) => [colleague.employee_id, colleague]));
  const byEmail = new Map(colleagues.map((colleague) => [colleague.email, colleague]));
  const own = caller.kind === "member" ? (aliases.get(caller.email) ?? caller.email) : null;
  const governs = caller.permissions.has("AI_GOVERNANCE_VIEW");
  const personOf = (subject: string): string => aliases.get(subject) ?? subject;
  const maySee = ({ nudge }: NudgeThread): boolean => {
    const person = personOf(nudge.subject);
    if (person === own) return false;
    const colleague = byEmail.get(person);
    const managers = colleague === undefined ? new Set<string>() : managersOf(colleague, byId);
    if (own !== null && managers.has(own)) return true;
    return governs && (nudge.tier === 4n || managers.size === 0);
  };
  const seen = Map.groupBy(
    threads.filter(maySee),
    ({ nudge }) => `${nudge.track} ${personOf(nudge.subject)}`,
  );
  const about = new Set([...seen.values()].flat().map(({ nudge }) => personOf(nudge.subject)));
  const people = [...about].map((subject) => ({ subject, addresses: addressesOf(subject, aliases) }));
  const known = new Set(everybody.map(({ subject }) => subject));
  const standings = await readStandings(
    db,
    orgId,
    people.filter(({ subject }) => known.has(subject)),
    now,
  );
  return standings.flatMap((standing) => {
    const shown = seen.get(`${standing.track} ${standing.person.subject}`);
    return shown === undefined ? [] : [{ standing, threads: shown }];
  });
}

/** A nudge of somebody else that the caller may see. Throws FS_NOT_FOUND. */
export async function requireSharedNudge(
  db: Reader,
  caller: Principal,
  nudgeId: string,
  now: number,
): Promise<Nudge> {
  const shared = await listSharedStandings(db, caller, now);
  const thread = shared.flatMap(({ threads }) => threads).find(({ nudge }) => nudge.nudge_id === nudgeId);
  if (thread !== undefined) return thread.nudge;
  throw new FlowstateError("FS_NOT_FOUND", `there is no nudge "${nudgeId.slice(0, 40)}" that you may see`);
}
