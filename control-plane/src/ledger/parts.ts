import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { splitUsd, type NanoUsd } from "@flowstate/shared/money";
import { dayMs } from "@flowstate/shared/time";
import type { Reader } from "../store/open.ts";
import type { Dimensions, Part } from "./entries.ts";

/** A row's amount as people's shares, before projects are known. */
export interface PersonalShare {
  readonly subject: string | null;
  readonly amount: NanoUsd;
}

/**
 * Splits what a row cost over the projects that its people worked for that day, by observed cost, and says team and
 * cost centre of each part: the project's own where it has them, else the person's. The parts sum to the shares.
 */
export async function partsOf(
  db: Reader,
  orgId: OrgId,
  row: { readonly provider: string; readonly day: string },
  shares: readonly PersonalShare[],
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const { subject, amount } of shares) {
    const home = await homeOf(db, orgId, subject);
    const worked = subject === null ? [] : await projectsOf(db, orgId, subject, row);
    const amounts = splitUsd(
      amount,
      worked.map(({ cost }) => cost),
    );
    if (amounts === null) {
      parts.push({ subject, project: null, ...home, amount });
      continue;
    }
    for (const [index, { project }] of worked.entries()) {
      const own = await ownerOf(db, orgId, project);
      const part = amounts[index];
      if (part === undefined) continue;
      parts.push({
        subject,
        project: project === "" ? null : project,
        team: own.team ?? home.team,
        costCentre: own.costCentre ?? home.costCentre,
        amount: part,
      });
    }
  }
  return parts;
}

export type Owner = Pick<Dimensions, "team" | "costCentre">;
const nobody: Owner = { team: null, costCentre: null };

/** The person's primary team. */
export async function homeOf(db: Reader, orgId: OrgId, subject: string | null): Promise<Owner> {
  if (subject === null) return nobody;
  const person = await db
    .selectFrom("employees")
    .select("primary_team_id")
    .where("org_id", "=", orgId)
    .where("email", "=", subject)
    .executeTakeFirst();
  return person?.primary_team_id === undefined ? nobody : teamOf(db, orgId, person.primary_team_id);
}

/** What calls name as their project, found in the directory by its marker. */
async function ownerOf(db: Reader, orgId: OrgId, marker: string): Promise<Owner> {
  if (marker === "") return nobody;
  const project = await db
    .selectFrom("projects")
    .select(["team_id", "cost_centre"])
    .where("org_id", "=", orgId)
    .where("marker", "=", marker)
    .orderBy("project_id")
    .executeTakeFirst();
  if (project === undefined) return nobody;
  const team = await teamOf(db, orgId, project.team_id);
  return { team: team.team, costCentre: project.cost_centre ?? team.costCentre };
}

const deepest = 20;

/** A team, with its cost centre or that of the nearest team above. */
async function teamOf(db: Reader, orgId: OrgId, teamId: string | null): Promise<Owner> {
  let name: string | null = null;
  let next = teamId;
  for (let depth = 0; next !== null && depth < deepest; depth += 1) {
    const team: { name: string; parent_id: string | null; cost_centre: string | null } | undefined = await db
      .selectFrom("teams")
      .select(["name", "parent_id", "cost_centre"])
      .where("org_id", "=", orgId)
      .where("team_id", "=", next)
      .executeTakeFirst();
    if (team === undefined) break;
    name ??= team.name;
    if (team.cost_centre !== null) return { team: name, costCentre: team.cost_centre };
    next = team.parent_id;
  }
  return { team: name, costCentre: null };
}

async function projectsOf(
  db: Reader,
  orgId: OrgId,
  subject: string,
  { provider, day }: { readonly provider: string; readonly day: string },
): Promise<readonly { readonly project: string; readonly cost: bigint }[]> {
  const from = Date.parse(day);
  const { rows } = await sql<{ project: string; cost: bigint }>`SELECT project,
      CAST(sum(cost_nano_usd) AS BIGINT) AS cost
    FROM usage_hours WHERE org_id = ${orgId} AND hour >= ${from} AND hour < ${from + dayMs}
      AND subject = ${subject} AND provider = ${provider}
    GROUP BY project HAVING sum(cost_nano_usd) > 0 ORDER BY project`.execute(db);
  return rows;
}
