import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { codes, FlowstateError, isFlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Parsed } from "@flowstate/shared/parsed";
import { check } from "../../access/check.ts";
import {
  createEntity,
  deleteEntity,
  findEntities,
  requireEntity,
  updateEntity,
  type DirectoryChange,
  type Entity,
} from "../../directory/entities.ts";
import { creationSchema, resources, type Resource } from "../../directory/resources.ts";
import type { Reader, Writer } from "../../store/open.ts";
import { publicMessage } from "../errors.ts";
import { expectedVersion } from "../rest/etag.ts";
import { changeOf, type RestDependencies } from "../rest/caller.ts";
import { read } from "../rest/read.ts";
import { resourceTypes, schemaDocuments, serviceProviderConfig } from "./descriptions.ts";
import { booleanOf, requireDocument, schemas, type ScimDocument } from "./document.ts";
import { parseFilter } from "./filter.ts";
import { fromGroup, groupFilters, membersOf, setMembers, toGroup } from "./groups.ts";
import { applyPatch } from "./patch.ts";
import { fromUser, toUser, userFilters } from "./users.ts";

const mostResults = 200;

/** How a kind of resource is shown and stored. */
interface Kind {
  readonly path: "/Users" | "/Groups";
  readonly type: "User" | "Group";
  readonly resource: Resource;
  readonly filters: Readonly<Record<string, string>>;
  readonly show: (db: Reader, orgId: OrgId, entity: Entity) => Promise<ScimDocument>;
  readonly read: (given: ScimDocument) => Given;
}

interface Given {
  readonly values: Readonly<Record<string, unknown>>;
  /** The people of a group. */
  readonly members: ReadonlySet<string> | null;
}

const kinds: readonly Kind[] = [
  {
    path: "/Users",
    type: "User",
    resource: resources.employees,
    filters: userFilters,
    show: (_, __, entity) => Promise.resolve(toUser(entity)),
    read: (given) => ({ values: valueOf(fromUser(given)), members: null }),
  },
  {
    path: "/Groups",
    type: "Group",
    resource: resources.teams,
    filters: groupFilters,
    show: async (db, orgId, entity) => toGroup(entity, await membersOf(db, orgId, entity.id)),
    read: (given) => valueOf(fromGroup(given)),
  },
];

/** SCIM 2.0 at `/scim/v2` (RFC 7643, 7644): employees as Users, teams as Groups, for identity providers that push. */
export async function scimRoutes(app: FastifyInstance, dependencies: RestDependencies): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ["application/scim+json", "application/json"],
    { parseAs: "string", bodyLimit: 1_000_000 },
    (_, body, done) => {
      try {
        done(null, JSON.parse(String(body)));
      } catch {
        done(new FlowstateError("FS_INPUT_INVALID", "the body is not JSON"));
      }
    },
  );
  app.addHook("onRequest", async (request, reply) => {
    void reply.header("cache-control", "no-store").type("application/scim+json; charset=utf-8");
    const writes = request.method !== "GET";
    check(await dependencies.findPrincipal(request), writes ? "DIRECTORY_UPDATE" : "AI_INSIGHTS_VIEW");
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.get("/scim/v2/ServiceProviderConfig", () => serviceProviderConfig);
  app.get("/scim/v2/ResourceTypes", () => listOf(resourceTypes, resourceTypes.length, 1));
  app.get("/scim/v2/Schemas", () => listOf(schemaDocuments, schemaDocuments.length, 1));
  for (const kind of kinds) addKind(app, kind, dependencies);
}

interface IdRoute {
  readonly Params: { readonly id: string };
}

interface ListRoute {
  readonly Querystring: Readonly<Record<string, unknown>>;
}

function addKind(app: FastifyInstance, kind: Kind, dependencies: RestDependencies): void {
  const { store, findPrincipal, publicUrl } = dependencies;
  const { resource } = kind;
  const path = `/scim/v2${kind.path}`;
  const orgOf = async (request: FastifyRequest): Promise<OrgId> =>
    check(await findPrincipal(request), "AI_INSIGHTS_VIEW").orgId;
  const shown = async (orgId: OrgId, entity: Entity): Promise<ScimDocument> => ({
    ...(await kind.show(store.reader, orgId, entity)),
    meta: {
      resourceType: kind.type,
      created: entity.createdAt,
      lastModified: entity.updatedAt,
      version: etagOf(entity),
      location: new URL(`${path}/${entity.id}`, publicUrl()).href,
    },
  });
  const send = async (reply: FastifyReply, orgId: OrgId, entity: Entity): Promise<FastifyReply> => {
    const document = await shown(orgId, entity);
    return reply.header("etag", etagOf(entity)).send(document);
  };
  const save = async (
    db: Writer,
    change: DirectoryChange,
    id: string | null,
    version: bigint | null,
    { values, members }: Given,
  ): Promise<Entity> => {
    const sound = read(creationSchema(resource), values);
    const own = Object.fromEntries(Object.entries(sound).filter(([name]) => name in values));
    const entity =
      id === null
        ? await createEntity(db, change, resource, sound)
        : await updateEntity(db, change, resource, { id, version, values: own });
    const stranger = members === null ? null : await setMembers(db, change.orgId, entity.id, members);
    if (stranger !== null) {
      throw new FlowstateError("FS_INPUT_INVALID", `members: there is no user "${stranger.slice(0, 64)}"`);
    }
    return entity;
  };

  app.get<ListRoute>(path, async (request) => {
    const orgId = await orgOf(request);
    const { filter, startIndex, count, excludedAttributes } = request.query;
    const start = wholeOf(startIndex, 1);
    const limit = Math.min(wholeOf(count, 100), mostResults);
    const fields = whereOf(kind, typeof filter === "string" ? filter : "");
    const page = { fields, offset: Math.max(start, 1) - 1, limit: Math.max(limit, 0) };
    const { total, entities } = await findEntities(store.reader, orgId, resource, page);
    const documents = [];
    for (const entity of entities) documents.push(without(await shown(orgId, entity), excludedAttributes));
    return listOf(documents, total, Math.max(start, 1));
  });
  app.post(path, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const given = kind.read(requireDocument(request.body));
    const entity = await store.transact((db) => save(db, change, null, null, given));
    return send(reply.code(201).header("location", `${path}/${entity.id}`), change.orgId, entity);
  });
  app.get<IdRoute & ListRoute>(`${path}/:id`, async (request, reply) => {
    const orgId = await orgOf(request);
    const entity = await requireEntity(store.reader, orgId, resource, request.params.id);
    if (request.headers["if-none-match"] === etagOf(entity)) return reply.code(304).send();
    const document = without(await shown(orgId, entity), request.query["excludedAttributes"]);
    return reply.header("etag", etagOf(entity)).send(document);
  });
  app.put<IdRoute>(`${path}/:id`, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const given = kind.read(requireDocument(request.body));
    const { id } = request.params;
    const version = expectedVersion(request);
    return send(reply, change.orgId, await store.transact((db) => save(db, change, id, version, given)));
  });
  app.patch<IdRoute>(`${path}/:id`, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const body = requireDocument(request.body);
    const { id } = request.params;
    const version = expectedVersion(request);
    const entity = await store.transact(async (db) => {
      const before = await requireEntity(db, change.orgId, resource, id);
      const patched = valueOf(applyPatch(await kind.show(db, change.orgId, before), body));
      return save(db, change, id, version ?? before.version, kind.read(patched));
    });
    return send(reply, change.orgId, entity);
  });
  app.delete<IdRoute>(`${path}/:id`, async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const asked = { id: request.params.id, version: expectedVersion(request) };
    await store.transact((db) => deleteEntity(db, change, resource, asked));
    return reply.code(204).send();
  });
}

function whereOf(kind: Kind, filter: string): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of valueOf(parseFilter(filter))) {
    const field = kind.filters[name];
    if (field === undefined) {
      throw new FlowstateError(
        "FS_INPUT_INVALID",
        `filter: ${kind.type} cannot be filtered by "${name.slice(0, 60)}"`,
      );
    }
    fields[field] = field === "active" ? booleanOf(value) : field === "email" ? value.toLowerCase() : value;
  }
  return fields;
}

function listOf(documents: readonly unknown[], total: number, startIndex: number) {
  return {
    schemas: [schemas.list],
    totalResults: total,
    startIndex,
    itemsPerPage: documents.length,
    Resources: documents,
  };
}

/** Entra asks for groups without their members (RFC 7644 3.9). */
function without(document: ScimDocument, excluded: unknown): ScimDocument {
  if (typeof excluded !== "string") return document;
  const names = new Set(excluded.toLowerCase().split(/\s*,\s*/));
  return Object.fromEntries(
    Object.entries(document).filter(
      ([name]) => name === "id" || name === "schemas" || !names.has(name.toLowerCase()),
    ),
  );
}

function etagOf({ version }: Entity): string {
  return `W/"${version}"`;
}

function wholeOf(given: unknown, otherwise: number): number {
  return typeof given === "string" && /^-?\d{1,9}$/.test(given) ? Number(given) : otherwise;
}

function valueOf<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new FlowstateError("FS_INPUT_INVALID", parsed.detail);
}

/** RFC 7644 3.12. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const failure = isFlowstateError(error) ? error : null;
  const parsing = failure === null ? (error as { readonly statusCode?: unknown }).statusCode : undefined;
  const precondition = failure?.details["precondition"] !== undefined;
  const status = precondition ? 412 : failure === null ? Number(parsing ?? 500) : codes[failure.code].status;
  if (status >= 500) request.log.error({ err: error }, "a request failed");
  if (status === 401) void reply.header("www-authenticate", "Bearer");
  const scimType = scimTypeOf(status, failure?.message ?? "");
  return reply.code(status).send({
    schemas: [schemas.error],
    status: String(status),
    ...(scimType === null ? {} : { scimType }),
    detail:
      failure === null
        ? status < 500
          ? "the request is not of good form"
          : "something went wrong on our side"
        : publicMessage(failure),
  });
}

function scimTypeOf(status: number, message: string): string | null {
  if (status === 409) return "uniqueness";
  if (status !== 400) return null;
  if (message.includes("filter")) return "invalidFilter";
  return message.startsWith("path") ? "invalidPath" : "invalidValue";
}
