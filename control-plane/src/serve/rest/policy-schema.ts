import { toJsonSchema, type ConversionConfig } from "@valibot/to-json-schema";
import { policyDocument } from "@flowstate/shared/policy/document";

/** The JSON Schema (2020-12) of a policy, for editors. What it cannot say, such as unique names, drafting says. */
export function policySchema(publicUrl: URL): Readonly<Record<string, unknown>> {
  return {
    $id: new URL("/api/v1/policy.schema.json", publicUrl).href,
    title: "Flowstate policy",
    ...toJsonSchema(policyDocument, conversion),
  };
}

const conversion: ConversionConfig = {
  target: "draft-2020-12",
  // A list is looked at twice (wire/list.ts): its last schema says what it holds.
  typeMode: "output",
  overrideAction: ({ valibotAction: action, jsonSchema }) => {
    if (isBound(action, "min_code_points")) return { ...jsonSchema, minLength: action.requirement };
    if (isBound(action, "max_code_points")) return { ...jsonSchema, maxLength: action.requirement };
    // A schema has no place for flags: its patterns are Unicode ones anyway (core, 6.4).
    return action.type === "regex" ? jsonSchema : null;
  },
  overrideSchema: ({ valibotSchema, jsonSchema }) =>
    valibotSchema.type === "literal" ? { type: "string", ...jsonSchema } : null,
};

function isBound(
  action: { readonly type: string },
  type: string,
): action is { readonly type: string; readonly requirement: number } {
  return action.type === type;
}
