import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLOutputType,
} from "graphql";

/** How deep an answer is asked for; deeper parts of a queue would break the limit on documents. */
const depth = 4;

const usual: Readonly<Record<string, string>> = {
  Int: "1",
  Float: "1",
  Boolean: "true",
  BigInt: '"1"',
  Date: '"2026-10-01"',
  DateTime: '"2026-10-01T00:00:00Z"',
  Period: '"2026-10"',
  Usd: '"1"',
};

export interface Names {
  readonly orgId: string;
  readonly id: string;
}

/**
 * A document that asks a field of the schema's root for all that it has. Arguments that must be given are made up from
 * their types; every one that names a thing is
 * `id`, but for the caller's own organisation. A query leaves out the others, which only narrow its answer.
 */
export function documentFor(
  kind: "query" | "mutation",
  field: GraphQLField<unknown, unknown>,
  names: Names,
): string {
  const given = field.args
    .filter((arg) => isNonNullType(arg.type) || (kind === "mutation" && namesThing(arg)))
    .map((arg) => `${arg.name}: ${valueOf(arg.type, arg, names)}`);
  const args = given.length === 0 ? "" : `(${given.join(", ")})`;
  return `${kind} { ${field.name}${args} ${selectionOf(field.type, depth)} }`;
}

export function namesThing({ name, type }: GraphQLArgument | GraphQLInputField): boolean {
  const base = getNamedType(type).name;
  return base === "ID" || (base === "String" && /(?:^id|Id|Ids|^person|^subject)$/.test(name));
}

function valueOf(type: GraphQLInputType, arg: GraphQLArgument | GraphQLInputField, names: Names): string {
  const known = getNullableType(type);
  if (isListType(known)) return `[${valueOf(known.ofType, arg, names)}]`;
  if (isEnumType(known)) return known.getValues()[0]?.name ?? "";
  if (isInputObjectType(known)) {
    const fields = Object.values(known.getFields()).filter(
      (field) => isNonNullType(field.type) || namesThing(field),
    );
    return `{ ${fields.map((field) => `${field.name}: ${valueOf(field.type, field, names)}`).join(", ")} }`;
  }
  if (arg.name === "organizationId") return JSON.stringify(names.orgId);
  return namesThing(arg) ? JSON.stringify(names.id) : (usual[known.name] ?? '"made-up@example.com"');
}

function selectionOf(given: GraphQLOutputType, levels: number): string {
  const type = getNamedType(given);
  if (!isObjectType(type)) return "";
  const parts = Object.values(type.getFields())
    .filter((field) => field.args.every((arg) => !isNonNullType(arg.type)))
    .filter((field) => levels > 1 || !isObjectType(getNamedType(field.type)))
    .map((field) => `${field.name} ${selectionOf(field.type, levels - 1)}`.trim());
  return `{ ${parts.join(" ")} }`;
}
