import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../../store/open.ts";
import type { UsageTables } from "../../usage/tables.ts";
import { windowBounds, type UsageWindow } from "../../usage-queries/window.ts";
import { leadsTo, type Drill } from "./attribute.ts";
import { loadPlaceFacts } from "./load.ts";
import { createPlaces } from "./spread.ts";

type Session = UsageTables["sessions"];

const batchRows = 2000;

/**
 * Sessions that began in the window and belong to all that the way down names, the newest first. Where a session belongs
 * follows from the directory, which no query knows: rows are read some at a time until the page is full.
 */
export async function listSessions(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
  drill: Drill,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<Session[]> {
  const { places: facts, names } = await loadPlaceFacts(db, orgId, window);
  const places = createPlaces(facts);
  const belongs = ({ provider, subject, project, models }: Session): boolean =>
    leadsTo(
      {
        system: provider,
        subject: names.personOf(subject),
        projectId: names.projectOf(project),
        models: JSON.parse(models) as string[],
        sessions: 1,
      },
      places,
      drill,
    );
  const { from, to } = windowBounds(window);
  let matching = db
    .selectFrom("sessions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("started_at", ">=", from)
    .where("started_at", "<", to);
  const { PERSON: person, SERVICE: service } = drill;
  if (person !== undefined) matching = matching.where("subject", "in", [...names.addressesOf(person)]);
  if (service !== undefined) matching = matching.where("provider", "=", service);
  const newest = matching.orderBy("started_at", "desc").orderBy("session_id");
  const found: Session[] = [];
  for (let at = 0; found.length < offset + limit; at += batchRows) {
    const rows = await newest.limit(batchRows).offset(at).execute();
    found.push(...rows.filter(belongs));
    if (rows.length < batchRows) break;
  }
  return found.slice(offset, offset + limit);
}
