import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { FlowstateError } from "@flowstate/shared/errors";
import { formatUsd } from "@flowstate/shared/money";
import { actorOf, check } from "../../access/check.ts";
import { required } from "../../command.ts";
import { importBill, previewImport } from "../../import/actions.ts";
import { fileLimits } from "../../import/csv.ts";
import { requireHabits } from "../../import/habits.ts";
import type { ImportReport } from "../../import/report.ts";
import { parseKind } from "../../providers/kinds.ts";
import type { RestDependencies } from "./caller.ts";
import { read } from "./read.ts";

const flag = z
  .enum(["true", "false"])
  .default("false")
  .transform((text) => text === "true");

const query = z.strictObject({
  provider: z.string("whose bill it is, such as openai"),
  fileName: z.string().min(1).max(200),
  preview: flag,
  service: z.string().nullable().default(null),
  currency: z.string().nullable().default(null),
  cents: flag,
  decimalComma: flag,
  days: z.enum(["month-first", "day-first"]).nullable().default(null),
  column: z
    .union([z.string(), z.array(z.string())])
    .default([])
    .transform((given) => (typeof given === "string" ? [given] : given)),
});

/**
 * `POST /api/v1/imports?provider=…&fileName=…`: a bill as `text/csv` of any size that `fileLimits` allow, imported
 * whole or not at all. It is written to a temporary file as it comes, since it is read twice.
 */
export async function importRoutes(app: FastifyInstance, dependencies: RestDependencies): Promise<void> {
  const { store, clock, findPrincipal } = dependencies;
  app.removeContentTypeParser("text/csv");
  app.addContentTypeParser("text/csv", (_, payload, done) => done(null, payload));
  app.post("/api/v1/imports", { bodyLimit: fileLimits.bytes }, async (request, reply) => {
    const caller = check(await findPrincipal(request), "SETTINGS_INTEGRATIONS_UPDATE");
    const given = read(query, request.query);
    const kind = required(parseKind(given.provider));
    const { service, currency, days: dayOrder } = given;
    const moneyUnit = given.cents ? ("hundredth" as const) : null;
    const decimal = given.decimalComma ? ("comma" as const) : null;
    const habits = requireHabits({ kind, service, currency, moneyUnit, decimal, dayOrder }, given.column);
    const context = { orgId: caller.orgId, actor: actorOf(caller), now: clock.now() };
    return withFile(request.body, async (file) => {
      const open = () => createReadStream(file);
      const bill = { kind, fileName: given.fileName, open, habits };
      const preview = await previewImport(store, context, bill);
      const sound = preview.faultCount === 0;
      if (given.preview || !sound) {
        return reply.code(sound ? 200 : 422).send({ ...shownReport(preview), imported: null });
      }
      const { imported, added, revised } = await importBill(store, context, bill);
      return reply
        .code(201)
        .send({ ...shownReport(preview), imported: { id: imported.importId, added, revised } });
    });
  });
}

/** The report as JSON: counts, the first bad lines by number, and each month's total. */
function shownReport({ profile, lines, faultCount, faults, skipped, totals }: ImportReport) {
  return {
    profile,
    lines,
    faultCount,
    faults,
    skipped,
    totals: totals.map((total) => ({ ...total, amountUsd: formatUsd(total.amountUsd) })),
  };
}

async function withFile<T>(body: unknown, use: (file: string) => Promise<T>): Promise<T> {
  if (!isStream(body))
    throw new FlowstateError("FS_INPUT_INVALID", "the body must be a CSV file, sent as text/csv");
  const folder = await mkdtemp(join(tmpdir(), "flowstate-import-"));
  try {
    const file = join(folder, "bill.csv");
    await pipeline(body, bounded, createWriteStream(file, { mode: 0o600 }));
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A client that sends no length is bounded as one that does. */
async function* bounded(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > fileLimits.bytes)
      throw new FlowstateError("FS_TOO_LARGE", `a file may have ${fileLimits.bytes} bytes`);
    yield chunk;
  }
}

function isStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
