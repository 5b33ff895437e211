import type { initGraphQLTada } from "gql.tada";
import type { introspection } from "../generated/schema.d.ts";

/** What a document asks for and takes follows from its text and from the schema, by gql.tada. */
type Typed = ReturnType<
  typeof initGraphQLTada<{
    introspection: introspection;
    disableMasking: true;
    scalars: { BigInt: string; Date: string; DateTime: string; Period: string; Usd: string };
  }>
>;

/** A document as it is written. The build keeps its text for the server and leaves the application its hash. */
export interface Written {
  readonly text: string;
}

function write(text: string, fragments: readonly Written[] = []): Written {
  return { text: [text, ...fragments.map((fragment) => fragment.text)].join("\n") };
}

/** A GraphQL operation, or a fragment for the operations that name it. A test holds every one to the schema. */
export const operation = write as unknown as Typed;
