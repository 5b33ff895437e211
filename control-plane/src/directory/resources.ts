import { z } from "zod";
import { parseDecimal } from "@flowstate/shared/money";
import { parseSubject } from "@flowstate/shared/subject";
import { parseUsageDate } from "@flowstate/shared/time";

/** What REST calls a kind of entity, and its table. */
export type ResourceName = "employees" | "teams" | "projects" | "allocations";

export interface Field {
  readonly column: string;
  /** As clients write it; without a default it must be given on creation. */
  readonly schema: z.ZodType;
  /** The entities of which it names one. */
  readonly refersTo?: ResourceName;
  readonly toColumn?: (value: unknown) => unknown;
  readonly fromColumn?: (value: unknown) => unknown;
}

export interface Resource {
  readonly name: ResourceName;
  /** One of them, in sentences and audit entries. */
  readonly singular: string;
  readonly idColumn: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** What must hold between fields; a sentence where it does not. */
  readonly check?: (values: Readonly<Record<string, unknown>>) => string | null;
}

const text = (most: number, description: string) => z.string().trim().min(1).max(most).describe(description);
const optional = (schema: z.ZodType) => schema.nullable().default(null);
const reference = (column: string, refersTo: ResourceName, description: string): Field => ({
  column,
  schema: optional(text(64, description)),
  refersTo,
});

const email = z
  .string()
  .max(320)
  .transform((given, context) => {
    const subject = parseSubject(given.trim());
    if (subject.ok) return subject.value;
    context.addIssue({ code: "custom", message: "is not an e-mail address" });
    return z.NEVER;
  })
  .describe("work e-mail, as meters and calls carry it");

const day = (description: string) =>
  z
    .string()
    .refine((given) => parseUsageDate(given).ok, "is not a day such as 2026-11-20")
    .describe(description);

/** A decimal from 0 to 1 with up to six decimals, stored in millionths. */
const fte: Field = {
  column: "fte_ppm",
  schema: z
    .number()
    .min(0)
    .max(1)
    .describe("share of a full-time position, 0 to 1, in millionths at the finest"),
  toColumn: (value) => {
    const ppm = parseDecimal(String(value), 6);
    return ppm.ok ? ppm.value : 0n;
  },
  fromColumn: (value) => Number(value) / 1_000_000,
};

const externalId: Field = {
  column: "external_id",
  schema: optional(text(200, "the identity provider's own identifier")),
};

export const resources: Readonly<Record<ResourceName, Resource>> = {
  employees: {
    name: "employees",
    singular: "employee",
    idColumn: "employee_id",
    fields: {
      email: { column: "email", schema: email },
      name: { column: "name", schema: optional(text(200, "full name")) },
      title: { column: "title", schema: optional(text(200, "job title")) },
      primaryTeamId: reference("primary_team_id", "teams", "the team that the person counts for"),
      managerId: reference("manager_id", "employees", "whom the person reports to"),
      externalId,
      active: {
        column: "active",
        schema: z.boolean().default(true).describe("false once the person has left"),
        toColumn: (value) => (value === true ? 1n : 0n),
        fromColumn: (value) => value === 1n,
      },
    },
  },
  teams: {
    name: "teams",
    singular: "team",
    idColumn: "team_id",
    fields: {
      name: { column: "name", schema: text(200, "as people know it") },
      parentId: reference("parent_id", "teams", "the team above it"),
      costCentre: { column: "cost_centre", schema: optional(text(100, "where finance books it")) },
      externalId,
    },
  },
  projects: {
    name: "projects",
    singular: "project",
    idColumn: "project_id",
    fields: {
      name: { column: "name", schema: text(200, "as people know it") },
      teamId: reference("team_id", "teams", "the team that owns it"),
      costCentre: { column: "cost_centre", schema: optional(text(100, "where finance books it")) },
      marker: {
        column: "marker",
        schema: optional(text(300, "what calls carry as their project, e.g. `github.com/acme/api`")),
      },
    },
  },
  allocations: {
    name: "allocations",
    singular: "allocation",
    idColumn: "allocation_id",
    fields: {
      employeeId: {
        column: "employee_id",
        schema: text(64, "whose time it is"),
        refersTo: "employees",
      },
      projectId: reference("project_id", "projects", "the project that has it"),
      teamId: reference("team_id", "teams", "the team that has it"),
      fte,
      fromDay: { column: "from_day", schema: day("first UTC day") },
      untilDay: { column: "until_day", schema: optional(day("last UTC day")) },
    },
    check: ({ projectId, teamId, fromDay, untilDay }) => {
      if (projectId === null && teamId === null) return "an allocation names a project or a team";
      return typeof untilDay === "string" && typeof fromDay === "string" && untilDay < fromDay
        ? "untilDay is before fromDay"
        : null;
    },
  },
};

export const resourceNames = Object.keys(resources) as readonly ResourceName[];

/** What a client sends to make one. */
export function creationSchema({ fields }: Resource): z.ZodObject {
  return z.strictObject(
    Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])),
  );
}

/** What a client sends to change one: the fields that change (JSON merge patch, RFC 7396). */
export function changeSchema({ fields }: Resource): z.ZodObject {
  const own = Object.entries(fields).map(([name, { schema }]): [string, z.ZodType] => [
    name,
    (schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema).optional(),
  ]);
  return z.strictObject(Object.fromEntries(own));
}
