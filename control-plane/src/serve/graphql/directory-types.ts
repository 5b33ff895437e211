import type { DirectoryTables } from "../../directory/tables.ts";
import type { Builder } from "./builder.ts";

type TeamRow = Pick<DirectoryTables["teams"], "team_id" | "name" | "parent_id" | "cost_centre">;
type ProjectRow = Pick<DirectoryTables["projects"], "project_id" | "name">;

/** Teams and projects, as other types refer to them. */
export function addDirectoryTypes(builder: Builder) {
  const Team = builder.objectRef<TeamRow>("Team").implement({
    description: "a team of the organisation",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ team_id }) => team_id }),
      name: t.exposeString("name", { description: "as people know it" }),
      parentId: t.id({
        nullable: true,
        description: "the team above it; null at the top",
        resolve: ({ parent_id }) => parent_id,
      }),
      costCentre: t.string({
        nullable: true,
        description: "where finance books it",
        resolve: ({ cost_centre }) => cost_centre,
      }),
    }),
  });
  const Project = builder.objectRef<ProjectRow>("Project").implement({
    description: "a project of the organisation",
    fields: (t) => ({
      id: t.id({ description: "identifier", resolve: ({ project_id }) => project_id }),
      name: t.exposeString("name", { description: "as people know it" }),
    }),
  });
  return { Team, Project };
}

export type DirectoryTypes = ReturnType<typeof addDirectoryTypes>;
