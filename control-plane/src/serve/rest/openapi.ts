import { exportNames } from "../../ledger/exports.ts";
import { z } from "zod";
import {
  changeSchema,
  creationSchema,
  resourceNames,
  resources,
  type Resource,
} from "../../directory/resources.ts";
import { version } from "../../version.ts";
import { aliasSchema } from "./aliases.ts";

/** `/api/v1` in OpenAPI 3.1. */
export function describeApi(publicUrl: URL): Readonly<Record<string, unknown>> {
  return {
    openapi: "3.1.0",
    info: {
      title: "Flowstate",
      version,
      description: "Employees, teams, projects and allocations. What AI costs is asked over MCP and GraphQL.",
    },
    servers: [{ url: publicUrl.origin }],
    security: [{ apiKey: [] }],
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "an API key" } },
      schemas: {
        Problem: {
          type: "object",
          description: "what went wrong (RFC 9457)",
          required: ["title", "status", "code"],
          properties: {
            title: { type: "string" },
            status: { type: "integer" },
            code: { type: "string", description: "stable, e.g. FS_NOT_FOUND" },
          },
        },
        ...Object.fromEntries(resourceNames.map((name) => [name, entitySchema(resources[name])])),
      },
    },
    paths: {
      ...Object.assign({}, ...resourceNames.map((name) => pathsOf(resources[name]))),
      "/api/v1/directory/import": {
        post: {
          summary: "Import people and teams from a CSV file, every line or none",
          parameters: [queryOf("preview", "`true`: store nothing")],
          requestBody: { required: true, content: { "text/csv": { schema: { type: "string" } } } },
          responses: {
            200: { description: "what was imported, or would be" },
            422: { description: "nothing is imported; the bad lines by number" },
          },
        },
      },
      "/api/v1/aliases": {
        get: {
          summary: "List further addresses of people",
          parameters: [
            queryOf("employeeId", "of this person alone"),
            queryOf("cursor", "nextCursor of the page before"),
            queryOf("limit", "at most so many, 1 to 500"),
          ],
          responses: { 200: { description: "some aliases", ...json({ type: "object" }) } },
        },
      },
      "/api/v1/aliases/{email}": {
        parameters: [{ name: "email", in: "path", required: true, schema: { type: "string" } }],
        put: {
          summary: "Say whose a further address is; what came under it is that person's from then on",
          requestBody: { required: true, ...json(schemaOf(aliasSchema)) },
          responses: { 200: { description: "the alias", ...json({ type: "object" }) } },
        },
        delete: {
          summary: "Delete an alias",
          responses: { 204: { description: "it is gone" } },
        },
      },
      "/api/v1/exports/{name}": {
        get: {
          summary: "A month as a file: FOCUS 1.2, the reconciliation queue, or the ledger's journals",
          parameters: [
            {
              name: "name",
              in: "path",
              required: true,
              schema: { type: "string", enum: [...exportNames] },
            },
            queryOf("period", "the month, YYYY-MM"),
            queryOf("format", "csv; for journals hledger or beancount as well"),
          ],
          responses: { 200: { description: "the file", content: { "text/csv": {}, "text/plain": {} } } },
        },
      },
      "/api/v1/imports": {
        post: {
          summary: "A bill as a file, imported whole or not at all",
          parameters: [
            queryOf("provider", "whose bill it is; csv-import for any other"),
            queryOf("fileName", "as it is listed"),
            queryOf("preview", "true: store nothing, and name bad lines"),
            queryOf("service", "service of the catalogue, where it is not the provider's own"),
            queryOf("currency", "currency where no column states it; USD where it is left out"),
            queryOf("cents", "true: amounts are in hundredths"),
            queryOf("decimalComma", "true: 1.234,50 rather than 1,234.50"),
            queryOf("days", "month-first or day-first: what 3/4/2026 means"),
            queryOf("column", "which column holds a part, e.g. amount=Net; may be repeated"),
          ],
          requestBody: { required: true, content: { "text/csv": { schema: { type: "string" } } } },
          responses: {
            200: { description: "the preview", content: { "application/json": {} } },
            201: { description: "imported", content: { "application/json": {} } },
            422: { description: "bad lines; nothing was stored", content: { "application/json": {} } },
          },
        },
      },
      "/api/v1/policy.schema.json": {
        get: {
          summary: "The JSON Schema of a policy; no key is needed",
          security: [],
          responses: { 200: { description: "the schema", content: { "application/schema+json": {} } } },
        },
      },
      "/api/v1/sessions": {
        get: {
          summary: "Every session that began in the window, one JSON document a line",
          parameters: [queryOf("startDate", "first UTC day"), queryOf("endDate", "last UTC day")],
          responses: { 200: { description: "sessions", content: { "application/x-ndjson": {} } } },
        },
      },
    },
  };
}

function pathsOf(resource: Resource): Record<string, unknown> {
  const { name, singular } = resource;
  const one = { $ref: `#/components/schemas/${name}` };
  const problem = { description: "refused", content: { "application/problem+json": problemContent } };
  const entity = { description: `the ${singular}`, headers: etagHeader, ...json(one) };
  const page = {
    type: "object",
    required: ["data", "nextCursor"],
    properties: { data: { type: "array", items: one }, nextCursor: { type: ["string", "null"] } },
  };
  const id = { name: "id", in: "path", required: true, schema: { type: "string" } };
  const ifMatch = {
    name: "if-match",
    in: "header",
    schema: { type: "string" },
    description: "ETag that must still hold",
  };
  return {
    [`/api/v1/${name}`]: {
      get: {
        summary: `List ${name}`,
        parameters: [
          queryOf("cursor", "nextCursor of the page before"),
          queryOf("limit", "at most so many, 1 to 500"),
        ],
        responses: { 200: { description: `some ${name}`, ...json(page) }, default: problem },
      },
      post: {
        summary: `Create one of the ${name}`,
        requestBody: { required: true, ...json(schemaOf(creationSchema(resource))) },
        responses: { 201: entity, default: problem },
      },
    },
    [`/api/v1/${name}/{id}`]: {
      parameters: [id],
      get: { summary: `Read one of the ${name}`, responses: { 200: entity, default: problem } },
      patch: {
        summary: `Change fields of one of the ${name}`,
        parameters: [ifMatch],
        requestBody: { required: true, ...json(schemaOf(changeSchema(resource))) },
        responses: { 200: entity, 412: problem, default: problem },
      },
      delete: {
        summary: `Delete one of the ${name}`,
        parameters: [ifMatch],
        responses: { 204: { description: "it is gone" }, 412: problem, default: problem },
      },
    },
  };
}

const problemContent = { schema: { $ref: "#/components/schemas/Problem" } };
const etagHeader = { etag: { schema: { type: "string" }, description: "version, for if-match" } };

function json(schema: unknown) {
  return { content: { "application/json": { schema } } };
}

function queryOf(name: string, description: string) {
  return { name, in: "query", description, schema: { type: "string" } };
}

function entitySchema(resource: Resource): unknown {
  const { properties = {}, required = [] } = schemaOf(creationSchema(resource)) as {
    properties?: object;
    required?: string[];
  };
  const kept = {
    id: { type: "string" },
    version: { type: "integer" },
    createdAt: { type: "string", format: "date-time" },
    updatedAt: { type: "string", format: "date-time" },
  };
  return { type: "object", required: ["id", "version", ...required], properties: { ...kept, ...properties } };
}

function schemaOf(schema: z.ZodType): unknown {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}
