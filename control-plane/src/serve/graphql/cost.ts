import {
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionSetNode,
} from "graphql";

/** A list that takes no `limit` counts as this many. */
const usualLength = 10;

export interface Asked {
  readonly schema: GraphQLSchema;
  /** A valid one: every field exists and no fragment spreads itself. */
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly variableValues?: Readonly<Record<string, unknown>> | null | undefined;
}

/** How many objects the answer may hold at most, by the `limit` of each list. What is skipped by directives counts too. */
export function costOf({ schema, document, operationName, variableValues }: Asked): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  }
  const operation = document.definitions.find(
    (each) =>
      each.kind === Kind.OPERATION_DEFINITION &&
      (operationName == null || each.name?.value === operationName),
  );
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return 0;
  const root = schema.getRootType(operation.operation);
  const defaults = Object.fromEntries(
    (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue?.kind === Kind.INT ? [[variable.name.value, Number(defaultValue.value)]] : [],
    ),
  );
  const variables = { ...defaults, ...variableValues };

  const below = ({ selections }: SelectionSetNode, type: GraphQLObjectType): number => {
    let sum = 0;
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) sum += costOfField(selection, type);
      else if (selection.kind === Kind.INLINE_FRAGMENT) sum += below(selection.selectionSet, type);
      else {
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined) sum += below(fragment.selectionSet, type);
      }
    }
    return sum;
  };
  const costOfField = (node: FieldNode, parent: GraphQLObjectType): number => {
    const field = parent.getFields()[node.name.value];
    const type = field === undefined ? undefined : getNamedType(field.type);
    if (field === undefined || node.selectionSet === undefined || !isObjectType(type)) return 0;
    const length = isListType(getNullableType(field.type)) ? lengthOf(node, field, variables) : 1;
    return length * (1 + below(node.selectionSet, type));
  };
  return root == null ? 0 : below(operation.selectionSet, root);
}

function lengthOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  variables: Readonly<Record<string, unknown>>,
): number {
  const given = node.arguments?.find(({ name }) => name.value === "limit")?.value;
  const stated =
    given?.kind === Kind.INT
      ? Number(given.value)
      : given?.kind === Kind.VARIABLE
        ? variables[given.name.value]
        : undefined;
  const length = stated ?? field.args.find(({ name }) => name === "limit")?.defaultValue;
  return typeof length === "number" ? Math.max(0, length) : usualLength;
}
