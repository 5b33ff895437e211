import { FlowstateError } from "@flowstate/shared/errors";

/** Schema identifiers of RFC 7643 and 7644. */
export const schemas = {
  user: "urn:ietf:params:scim:schemas:core:2.0:User",
  enterpriseUser: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
  group: "urn:ietf:params:scim:schemas:core:2.0:Group",
  list: "urn:ietf:params:scim:api:messages:2.0:ListResponse",
  patch: "urn:ietf:params:scim:api:messages:2.0:PatchOp",
  error: "urn:ietf:params:scim:api:messages:2.0:Error",
  serviceProviderConfig: "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig",
  resourceType: "urn:ietf:params:scim:schemas:core:2.0:ResourceType",
  schema: "urn:ietf:params:scim:schemas:core:2.0:Schema",
} as const;

/** A resource as clients write it, before anything is known of it. */
export type ScimDocument = Readonly<Record<string, unknown>>;

export function isDocument(value: unknown): value is ScimDocument {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Attribute names are case-insensitive (RFC 7643 2.1): the value under any spelling of the name. */
export function attribute(document: ScimDocument, name: string): unknown {
  const wanted = name.toLowerCase();
  const key = Object.keys(document).find((each) => each.toLowerCase() === wanted);
  return key === undefined ? undefined : document[key];
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}

/** Entra sends booleans as "True" and "False". */
export function booleanOf(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string" || !/^(?:true|false)$/i.test(value)) return null;
  return value.toLowerCase() === "true";
}

export function requireDocument(body: unknown): ScimDocument {
  if (isDocument(body)) return body;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    "the body must be a JSON object, sent as application/scim+json",
  );
}
