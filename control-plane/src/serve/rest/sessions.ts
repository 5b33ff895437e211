import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../../store/open.ts";
import { windowBounds, type UsageWindow } from "../../usage-queries/window.ts";

const pageRows = 1000;

/** Every session that began in the window, one JSON document a line, for an audit. Rows are read as the client takes them. */
export function sendSessions(
  reply: FastifyReply,
  db: Reader,
  orgId: OrgId,
  window: UsageWindow,
): FastifyReply {
  return reply
    .type("application/x-ndjson")
    .header(
      "content-disposition",
      `attachment; filename="sessions-${window.startDate}-${window.endDate}.ndjson"`,
    )
    .send(Readable.from(lines(db, orgId, windowBounds(window))));
}

async function* lines(
  db: Reader,
  orgId: OrgId,
  { from, to }: { readonly from: number; readonly to: number },
): AsyncGenerator<string> {
  let after = "";
  for (;;) {
    const rows = await db
      .selectFrom("sessions")
      .selectAll()
      .where("org_id", "=", orgId)
      .where("started_at", ">=", from)
      .where("started_at", "<", to)
      .where("session_id", ">", after)
      .orderBy("session_id")
      .limit(pageRows)
      .execute();
    if (rows.length > 0) yield rows.map((row) => `${lineOf(row)}\n`).join("");
    after = rows.at(-1)?.session_id ?? after;
    if (rows.length < pageRows) return;
  }
}

function lineOf({ models, started_at, ended_at, ...row }: Readonly<Record<string, unknown>>): string {
  const instant = (at: unknown): string => new Date(Number(at)).toISOString();
  const document = {
    ...row,
    org_id: undefined,
    models: JSON.parse(String(models)) as unknown,
    started_at: instant(started_at),
    ended_at: instant(ended_at),
  };
  // Counts and money may be beyond what a JSON reader takes exactly as a number.
  return JSON.stringify(document, (_key, value: unknown) =>
    typeof value === "bigint" ? String(value) : value,
  );
}
