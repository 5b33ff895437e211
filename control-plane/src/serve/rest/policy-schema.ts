import { z } from "zod";
import { policyDocument } from "@flowstate/shared/policy/document";

/** The JSON Schema (2020-12) of a policy, for editors. What it cannot say, such as unique names, drafting says. */
export function policySchema(publicUrl: URL): Readonly<Record<string, unknown>> {
  return {
    $id: new URL("/api/v1/policy.schema.json", publicUrl).href,
    title: "Flowstate policy",
    ...z.toJSONSchema(policyDocument, { io: "input" }),
  };
}
