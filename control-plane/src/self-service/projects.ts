import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { DirectoryTables } from "../directory/tables.ts";
import type { Reader } from "../store/open.ts";

/** Projects whose name holds the text, in any case, and that calls can carry the marker of; by name. */
export async function findProjects(
  db: Reader,
  orgId: OrgId,
  search: string,
  limit: number,
): Promise<readonly DirectoryTables["projects"][]> {
  const part = `%${search.toLowerCase().replace(/[\\%_]/g, "\\$&")}%`;
  return db
    .selectFrom("projects")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("archived_at", "is", null)
    .where("marker", "is not", null)
    .where(sql<boolean>`lower(name) LIKE ${part} ESCAPE '\\'`)
    .orderBy("name")
    .orderBy("project_id")
    .limit(limit)
    .execute();
}
