import type { OrgId } from "@flowstate/shared/ids";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { Entity } from "../../directory/entities.ts";
import type { Reader, Writer } from "../../store/open.ts";
import { attribute, isDocument, schemas, textOf, type ScimDocument } from "./document.ts";

/** Which field of a team a filter's attribute stands for. */
export const groupFilters: Readonly<Record<string, string>> = {
  id: "id",
  displayname: "name",
  externalid: "externalId",
};

export interface Member {
  readonly employeeId: string;
  readonly email: string;
}

/** A team as a Group (RFC 7643 4.2). */
export function toGroup({ id, values }: Entity, members: readonly Member[]): ScimDocument {
  const { name, externalId } = values;
  return {
    schemas: [schemas.group],
    id,
    ...(externalId === null ? {} : { externalId }),
    displayName: name,
    members: members.map(({ employeeId, email }) => ({ value: employeeId, display: email, type: "User" })),
  };
}

export interface GivenGroup {
  readonly values: Readonly<Record<string, unknown>>;
  readonly members: ReadonlySet<string>;
}

export function fromGroup(group: ScimDocument): Parsed<GivenGroup, "invalid_value"> {
  const name = textOf(attribute(group, "displayName"));
  if (name === null) return refuse("invalid_value", "displayName: the team's name");
  const given = attribute(group, "members");
  const members = new Set<string>();
  for (const member of Array.isArray(given) ? given : []) {
    const id = isDocument(member) ? textOf(attribute(member, "value")) : null;
    if (id === null) return refuse("invalid_value", "members: objects with the value of a user's id");
    members.add(id);
  }
  return ok({ values: { name, externalId: textOf(attribute(group, "externalId")) }, members });
}

/** Everybody who counts for the team, and everybody else who is in it. */
export async function membersOf(db: Reader, orgId: OrgId, teamId: string): Promise<readonly Member[]> {
  const rows = await db
    .selectFrom("employees")
    .select(["employee_id", "email"])
    .where("org_id", "=", orgId)
    .where((where) =>
      where.or([
        where("primary_team_id", "=", teamId),
        where(
          "employee_id",
          "in",
          where
            .selectFrom("team_members")
            .select("employee_id")
            .where("org_id", "=", orgId)
            .where("team_id", "=", teamId),
        ),
      ]),
    )
    .orderBy("email")
    .execute();
  return rows.map(({ employee_id, email }) => ({ employeeId: employee_id, email }));
}

/**
 * Makes these people, and no others, the team's. Who had no primary team counts for it from now on; who is taken out
 * counts for it no more. Returns the first id that is nobody's, or null.
 */
export async function setMembers(
  db: Writer,
  orgId: OrgId,
  teamId: string,
  wanted: ReadonlySet<string>,
): Promise<string | null> {
  const before = new Set((await membersOf(db, orgId, teamId)).map(({ employeeId }) => employeeId));
  for (const employeeId of wanted.difference(before)) {
    const person = await db
      .selectFrom("employees")
      .select("primary_team_id")
      .where("org_id", "=", orgId)
      .where("employee_id", "=", employeeId)
      .executeTakeFirst();
    if (person === undefined) return employeeId;
    await db
      .insertInto("team_members")
      .values({ org_id: orgId, team_id: teamId, employee_id: employeeId })
      .onConflict((on) => on.doNothing())
      .execute();
    if (person.primary_team_id === null) await setPrimary(db, orgId, employeeId, null, teamId);
  }
  for (const employeeId of before.difference(wanted)) {
    await db
      .deleteFrom("team_members")
      .where("org_id", "=", orgId)
      .where("team_id", "=", teamId)
      .where("employee_id", "=", employeeId)
      .execute();
    await setPrimary(db, orgId, employeeId, teamId, null);
  }
  return null;
}

async function setPrimary(
  db: Writer,
  orgId: OrgId,
  employeeId: string,
  from: string | null,
  to: string | null,
): Promise<void> {
  await db
    .updateTable("employees")
    .set((row) => ({ primary_team_id: to, version: row("version", "+", 1n) }))
    .where("org_id", "=", orgId)
    .where("employee_id", "=", employeeId)
    .where("primary_team_id", from === null ? "is" : "=", from)
    .execute();
}
