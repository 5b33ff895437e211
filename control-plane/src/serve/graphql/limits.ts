import {
  GraphQLError,
  Kind,
  type ASTVisitor,
  type FragmentDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from "graphql";

/** What one request may ask for. */
export const graphqlLimits = {
  depth: 8,
  aliases: 15,
  tokens: 1000,
  bodyBytes: 100_000,
  /** Objects in the answer, by `costOf`: the longest queue with all its evidence, and no second one beside it. */
  objects: 300_000,
} as const;

/** Refuses documents that are too deep or give too many aliases. Introspection fields count for neither. */
export function limitDocument(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      const fragments = new Map<string, FragmentDefinitionNode>();
      for (const definition of document.definitions) {
        if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
      }
      for (const definition of document.definitions) {
        if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
        const { depth, aliases } = measure(definition.selectionSet, fragments, new Set());
        if (depth > graphqlLimits.depth) refuse(context, `deeper than ${graphqlLimits.depth} levels`);
        if (aliases > graphqlLimits.aliases)
          refuse(context, `with more than ${graphqlLimits.aliases} aliases`);
      }
    },
  };
}

interface Measure {
  readonly depth: number;
  readonly aliases: number;
}

/** A fragment that spreads itself is refused by another rule; here it must only not loop. */
function measure(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  within: ReadonlySet<string>,
): Measure {
  const parts = selections.map((selection): Measure => {
    if (selection.kind === Kind.FIELD) {
      if (selection.name.value.startsWith("__")) return { depth: 0, aliases: 0 };
      const below =
        selection.selectionSet === undefined ? nothing : measure(selection.selectionSet, fragments, within);
      const own = selection.alias === undefined ? 0 : 1;
      return { depth: below.depth + 1, aliases: below.aliases + own };
    }
    if (selection.kind === Kind.INLINE_FRAGMENT) return measure(selection.selectionSet, fragments, within);
    const name = selection.name.value;
    const fragment = fragments.get(name);
    if (fragment === undefined || within.has(name)) return nothing;
    return measure(fragment.selectionSet, fragments, new Set([...within, name]));
  });
  return {
    depth: Math.max(0, ...parts.map(({ depth }) => depth)),
    aliases: parts.reduce((sum, { aliases }) => sum + aliases, 0),
  };
}

const nothing: Measure = { depth: 0, aliases: 0 };

function refuse(context: ValidationContext, what: string): void {
  context.reportError(new GraphQLError(`the document is ${what}`, { extensions: { code: "FS_TOO_LARGE" } }));
}
