/** What the directory holds, as `/api/v1` names it. */
export const kindNames = ["employees", "teams", "projects", "allocations", "aliases"] as const;
export type KindName = (typeof kindNames)[number];
/** Kinds that a form makes and changes; an alias is set by its address. */
export type EntityKind = Exclude<KindName, "aliases">;

export interface Entity {
  readonly id: string;
  readonly version: number;
  readonly [field: string]: unknown;
}

export interface Alias {
  readonly email: string;
  readonly employeeId: string;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: "text" | "email" | "date" | "share" | "flag" | EntityKind;
  readonly required?: boolean;
}

export const titles: Readonly<Record<KindName, string>> = {
  employees: "People",
  teams: "Teams",
  projects: "Projects",
  allocations: "Allocations",
  aliases: "Aliases",
};

export const fields: Readonly<Record<EntityKind, readonly Field[]>> = {
  employees: [
    { name: "email", label: "E-mail", type: "email", required: true },
    { name: "name", label: "Name", type: "text" },
    { name: "title", label: "Title", type: "text" },
    { name: "primaryTeamId", label: "Team", type: "teams" },
    { name: "managerId", label: "Reports to", type: "employees" },
    { name: "active", label: "Active", type: "flag" },
  ],
  teams: [
    { name: "name", label: "Name", type: "text", required: true },
    { name: "parentId", label: "Part of", type: "teams" },
    { name: "costCentre", label: "Cost centre", type: "text" },
  ],
  projects: [
    { name: "name", label: "Name", type: "text", required: true },
    { name: "teamId", label: "Team", type: "teams" },
    { name: "costCentre", label: "Cost centre", type: "text" },
    { name: "marker", label: "Marker in calls", type: "text" },
  ],
  allocations: [
    { name: "employeeId", label: "Person", type: "employees", required: true },
    { name: "projectId", label: "Project", type: "projects" },
    { name: "teamId", label: "Team", type: "teams" },
    { name: "fte", label: "Share of a full position", type: "share", required: true },
    { name: "fromDay", label: "From", type: "date", required: true },
    { name: "untilDay", label: "Until", type: "date" },
  ],
};

/** Every entity of the kinds that others refer to. */
export interface Directory {
  readonly employees: readonly Entity[];
  readonly teams: readonly Entity[];
  readonly projects: readonly Entity[];
  readonly allocations: readonly Entity[];
  readonly aliases: readonly Alias[];
}

/** How an entity is called where another refers to it. */
export function nameOf(directory: Directory, kind: EntityKind, id: unknown): string {
  const found = directory[kind].find((each) => each.id === id);
  return found === undefined ? "" : labelOf(found);
}

export function labelOf({ id, name, email }: Entity): string {
  return typeof name === "string" ? name : typeof email === "string" ? email : id;
}

/** A value as a person reads it. */
export function shownValue(directory: Directory, { type }: Field, value: unknown): string {
  switch (type) {
    case "flag":
      return value === true ? "yes" : "no";
    case "text":
    case "email":
    case "date":
    case "share":
      return typeof value === "string" || typeof value === "number" ? String(value) : "";
    default:
      return nameOf(directory, type, value);
  }
}

/** What a form says, as `/api/v1` takes it: an empty field is null. */
export function valuesOf(kind: EntityKind, data: FormData): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    fields[kind].map(({ name, type }) => {
      const given = data.get(name);
      const text = typeof given === "string" ? given.trim() : "";
      if (type === "flag") return [name, given !== null];
      if (text === "") return [name, null];
      return [name, type === "share" ? Number(text) : text];
    }),
  );
}
