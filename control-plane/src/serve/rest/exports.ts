import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { parsePeriod } from "@flowstate/shared/time";
import { check } from "../../access/check.ts";
import { required } from "../../command.ts";
import { exportNames, exportOf } from "../../ledger/exports.ts";
import type { RestDependencies } from "./caller.ts";
import { read } from "./read.ts";

const parameters = z.strictObject({ name: z.enum(exportNames) });
const query = z.strictObject({ period: z.string(), format: z.string().default("csv") });

/** `GET /api/v1/exports/{focus|csv|journal}?period=2026-10`: a month as a file, read as the client takes it. */
export function addExports(app: FastifyInstance, { store, findPrincipal }: RestDependencies): void {
  app.get("/api/v1/exports/:name", async (request, reply) => {
    const { orgId } = check(await findPrincipal(request), "AI_INSIGHTS_VIEW");
    const { name } = read(parameters, request.params);
    const { period, format } = read(query, request.query);
    const file = exportOf(store.reader, orgId, { name, period: required(parsePeriod(period)), format });
    return reply
      .type(file.contentType)
      .header("content-disposition", `attachment; filename="${file.fileName}"`)
      .send(Readable.from(file.text));
  });
}
