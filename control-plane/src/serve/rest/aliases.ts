import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { FlowstateError } from "@flowstate/shared/errors";
import { parseSubject, type Subject } from "@flowstate/shared/subject";
import { check } from "../../access/check.ts";
import { listAliases, removeAlias, setAlias, type Alias } from "../../billing/aliases.ts";
import { changeOf, type RestDependencies } from "./caller.ts";
import { pageSchema, read } from "./read.ts";

/** `/api/v1/aliases`: further addresses of people. The address is the identifier, so `PUT` says it again without harm. */
export function addAliases(app: FastifyInstance, dependencies: RestDependencies): void {
  const { store, findPrincipal } = dependencies;
  app.get("/api/v1/aliases", async (request) => {
    const { orgId } = check(await findPrincipal(request), "AI_INSIGHTS_VIEW");
    const { limit, ...page } = read(aliasPageSchema, request.query);
    const found = await listAliases(store.reader, orgId, { ...page, limit: limit + 1 });
    const data = found.slice(0, limit).map(shown);
    return { data, nextCursor: found.length > limit ? (data.at(-1)?.email ?? null) : null };
  });
  app.put<EmailRoute>("/api/v1/aliases/:email", async (request) => {
    const change = await changeOf(request, dependencies);
    const email = addressOf(request.params.email);
    const { employeeId } = read(aliasSchema, request.body);
    return shown(await store.transact((db) => setAlias(db, change, { email, employeeId })));
  });
  app.delete<EmailRoute>("/api/v1/aliases/:email", async (request, reply) => {
    const change = await changeOf(request, dependencies);
    const email = addressOf(request.params.email);
    await store.transact((db) => removeAlias(db, change, email));
    return reply.code(204).send();
  });
}

interface EmailRoute {
  readonly Params: { readonly email: string };
}

export const aliasSchema = z.strictObject({
  employeeId: z.string().min(1).max(64).describe("whose address it is"),
});

const aliasPageSchema = pageSchema.extend({
  cursor: z.string().max(320).default(""),
  employeeId: z.string().max(64).nullable().default(null),
});

function addressOf(given: string): Subject {
  const email = parseSubject(given);
  if (email.ok) return email.value;
  throw new FlowstateError("FS_INPUT_INVALID", "the address of an alias is an e-mail address");
}

function shown({ email, employeeId, updatedAt }: Alias) {
  return { email, employeeId, updatedAt: new Date(updatedAt).toISOString() };
}
