import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../../store/open.ts";
import type { UsageTables } from "../../usage/tables.ts";
import { windowBounds, type UsageWindow } from "../../usage-queries/window.ts";

export interface SessionFilter {
  readonly subject?: string | null | undefined;
  readonly service?: string | null | undefined;
  /** As calls name it. */
  readonly project?: string | null | undefined;
}

/** Sessions that began in the window, the newest first. */
export async function listSessions(
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
  { subject, service, project }: SessionFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<UsageTables["sessions"][]> {
  const { from, to } = windowBounds(window);
  let rows = db
    .selectFrom("sessions")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("started_at", ">=", from)
    .where("started_at", "<", to);
  if (subject != null) rows = rows.where("subject", "=", subject);
  if (service != null) rows = rows.where("provider", "=", service);
  if (project != null) rows = rows.where("project", "=", project);
  return rows.orderBy("started_at", "desc").orderBy("session_id").limit(limit).offset(offset).execute();
}
