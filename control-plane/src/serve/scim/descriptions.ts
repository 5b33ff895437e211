import { schemas } from "./document.ts";

const supported = (value: boolean) => ({ supported: value });

export const serviceProviderConfig = {
  schemas: [schemas.serviceProviderConfig],
  patch: supported(true),
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: 200 },
  changePassword: supported(false),
  sort: supported(false),
  etag: supported(true),
  authenticationSchemes: [
    {
      type: "oauthbearertoken",
      name: "API key",
      description: "an API key of ours with DIRECTORY_UPDATE, as a bearer token",
      primary: true,
    },
  ],
} as const;

export const resourceTypes = [
  {
    schemas: [schemas.resourceType],
    id: "User",
    name: "User",
    endpoint: "/Users",
    description: "an employee",
    schema: schemas.user,
    schemaExtensions: [{ schema: schemas.enterpriseUser, required: false }],
  },
  {
    schemas: [schemas.resourceType],
    id: "Group",
    name: "Group",
    endpoint: "/Groups",
    description: "a team",
    schema: schemas.group,
  },
] as const;

const attributeOf = (name: string, type: string, more: Readonly<Record<string, unknown>> = {}) => ({
  name,
  type,
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: "readWrite",
  returned: "default",
  uniqueness: "none",
  ...more,
});

/** The attributes that are kept; others are passed over. */
export const schemaDocuments = [
  {
    schemas: [schemas.schema],
    id: schemas.user,
    name: "User",
    description: "an employee",
    attributes: [
      attributeOf("userName", "string", { required: true, uniqueness: "server" }),
      attributeOf("externalId", "string", { caseExact: true }),
      attributeOf("displayName", "string"),
      attributeOf("name", "complex", {
        subAttributes: ["formatted", "givenName", "familyName"].map((name) => attributeOf(name, "string")),
      }),
      attributeOf("title", "string"),
      attributeOf("active", "boolean"),
      attributeOf("emails", "complex", {
        multiValued: true,
        subAttributes: [
          attributeOf("value", "string"),
          attributeOf("type", "string"),
          attributeOf("primary", "boolean"),
        ],
      }),
    ],
  },
  {
    schemas: [schemas.schema],
    id: schemas.enterpriseUser,
    name: "EnterpriseUser",
    description: "whom an employee reports to",
    attributes: [
      attributeOf("manager", "complex", {
        subAttributes: [attributeOf("value", "string", { caseExact: true })],
      }),
    ],
  },
  {
    schemas: [schemas.schema],
    id: schemas.group,
    name: "Group",
    description: "a team",
    attributes: [
      attributeOf("displayName", "string", { required: true }),
      attributeOf("externalId", "string", { caseExact: true }),
      attributeOf("members", "complex", {
        multiValued: true,
        subAttributes: [
          attributeOf("value", "string", { caseExact: true }),
          attributeOf("display", "string"),
        ],
      }),
    ],
  },
] as const;
