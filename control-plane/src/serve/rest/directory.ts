import type { FastifyInstance, FastifyReply } from "fastify";
import { z } from "zod";
import { FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import { check } from "../../access/check.ts";
import type { Permission } from "../../access/permissions.ts";
import {
  createEntity,
  deleteEntity,
  listEntities,
  requireEntity,
  updateEntity,
  type Entity,
} from "../../directory/entities.ts";
import {
  changeSchema,
  creationSchema,
  resourceNames,
  resources,
  type Resource,
} from "../../directory/resources.ts";
import { importDirectory } from "../../directory/import.ts";
import { readWindow } from "../../usage-queries/window.ts";
import { addAliases } from "./aliases.ts";
import { changeOf, type RestDependencies } from "./caller.ts";
import { describeApi } from "./openapi.ts";
import { policySchema } from "./policy-schema.ts";
import { expectedVersion } from "./etag.ts";
import { addExports } from "./exports.ts";
import { importRoutes } from "./imports.ts";
import { pageSchema, read } from "./read.ts";
import { sendSessions } from "./sessions.ts";

const reading: Permission = "AI_INSIGHTS_VIEW";

/** `/api/v1`: what people edit. What AI costs is asked over MCP and GraphQL. */
export async function restRoutes(app: FastifyInstance, dependencies: RestDependencies): Promise<void> {
  const { store, clock, findPrincipal, publicUrl } = dependencies;
  app.addHook("onRequest", async (_, reply) => {
    void reply.header("cache-control", "no-store");
  });
  app.addContentTypeParser("text/csv", { parseAs: "string", bodyLimit: 10_000_000 }, (_, body, done) =>
    done(null, body),
  );
  app.get("/api/v1/openapi.json", () => describeApi(publicUrl()));
  app.get("/api/v1/policy.schema.json", (_, reply) =>
    reply.type("application/schema+json").send(JSON.stringify(policySchema(publicUrl()))),
  );
  app.get("/api/v1/ai-usage", async () => {
    const message =
      "AI usage has no REST address: ask over MCP at /mcp (tool get_ai_usage_summary) or GraphQL at /graphql (aiUsageSummary)";
    throw new FlowstateError("FS_NOT_FOUND", message, { details: { mcp: "/mcp", graphql: "/graphql" } });
  });
  app.get("/api/v1/sessions", async (request, reply) => {
    const { orgId } = check(await findPrincipal(request), "AUDIT_VIEW");
    const window = readWindow(read(windowSchema, request.query), clock.now());
    return sendSessions(reply, store.reader, orgId, window);
  });
  app.post("/api/v1/directory/import", async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const { preview } = read(previewSchema, request.query);
    const text = read(z.string("must be a CSV file, sent as text/csv"), request.body);
    const outcome = await importDirectory(store, change, { text, preview: preview === "true" });
    return reply.code(outcome.faults.length > 0 ? 422 : 200).send(outcome);
  });
  addAliases(app, dependencies);
  addExports(app, dependencies);
  // Its own scope: here a CSV file is a stream, not a text.
  await app.register((scope) => importRoutes(scope, dependencies));
  for (const name of resourceNames) addResource(app, resources[name], dependencies);
}

function addResource(app: FastifyInstance, resource: Resource, dependencies: RestDependencies): void {
  const { store, findPrincipal } = dependencies;
  const path = `/api/v1/${resource.name}`;
  app.get(path, async (request) => {
    const { orgId } = check(await findPrincipal(request), reading);
    const { cursor, limit } = read(pageSchema, request.query);
    const found = await listEntities(store.reader, orgId, resource, { cursor, limit: limit + 1 });
    const data = found.slice(0, limit).map(shown);
    return { data, nextCursor: found.length > limit ? (data.at(-1)?.["id"] ?? null) : null };
  });
  app.post(path, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const values = read(creationSchema(resource), request.body);
    const entity = await store.transact((db) => createEntity(db, change, resource, values));
    return send(reply.code(201).header("location", `${path}/${entity.id}`), entity);
  });
  app.get<IdRoute>(`${path}/:id`, async (request, reply) => {
    const { orgId } = check(await findPrincipal(request), reading);
    const entity = await requireEntity(store.reader, orgId, resource, request.params.id);
    if (request.headers["if-none-match"] === etagOf(entity)) return reply.code(304).send();
    return send(reply, entity);
  });
  app.patch<IdRoute>(`${path}/:id`, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const values = read(changeSchema(resource), request.body);
    const asked = { id: request.params.id, version: expectedVersion(request), values };
    return precondition(reply, async () =>
      send(reply, await store.transact((db) => updateEntity(db, change, resource, asked))),
    );
  });
  app.delete<IdRoute>(`${path}/:id`, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const asked = { id: request.params.id, version: expectedVersion(request) };
    return precondition(reply, async () => {
      await store.transact((db) => deleteEntity(db, change, resource, asked));
      return reply.code(204).send();
    });
  });
}

interface IdRoute {
  readonly Params: { readonly id: string };
}

const windowSchema = z.object({ startDate: z.string().optional(), endDate: z.string().optional() });

const previewSchema = z.object({ preview: z.enum(["true", "false"]).default("false") });

function shown({ id, version, createdAt, updatedAt, values }: Entity): Record<string, unknown> {
  return { id, ...values, version: Number(version), createdAt, updatedAt };
}

function send(reply: FastifyReply, entity: Entity): FastifyReply {
  return reply.header("etag", etagOf(entity)).send(shown(entity));
}

function etagOf({ version }: Entity): string {
  return `"${version}"`;
}

/** A version that is not the newest fails a precondition (RFC 9110, 15.5.13), which is not any other conflict. */
async function precondition(reply: FastifyReply, run: () => Promise<FastifyReply>): Promise<FastifyReply> {
  try {
    return await run();
  } catch (error) {
    if (!isFlowstateError(error) || error.details["precondition"] === undefined) throw error;
    const { code, message: title } = error;
    return reply.code(412).type("application/problem+json").send({ title, status: 412, code });
  }
}
