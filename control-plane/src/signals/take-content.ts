import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import type { ContentEvent } from "@flowstate/shared/wire/content";
import { jsonRows } from "../store/json-rows.ts";
import type { Writer } from "../store/open.ts";
import type { Engine } from "../store/words.ts";

export interface ContentReport {
  readonly orgId: OrgId;
  /** Whom the credential speaks for. */
  readonly subject: string;
  /** The reporting device. */
  readonly source: string;
}

const columns = {
  seq: "integer",
  in_answer: "integer",
  occurred_at: "integer",
  session_id: "text",
  provider: "text",
  tool: "text",
  model: "text",
  rule: "text",
  action: "text",
  enforced: "integer",
  requests: "integer",
  found: "text",
} as const;

/** Keeps what content rules found on a device. Each number of a device comes here once. */
export async function takeContent(
  db: Writer,
  engine: Engine,
  { orgId, subject, source }: ContentReport,
  events: readonly ContentEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const values = events.map((event) => [
    event.seq,
    Number(event.kind === "answer"),
    Date.parse(event.occurredAt),
    event.sessionId,
    event.provider,
    event.tool,
    event.model,
    event.rule,
    event.action,
    Number(event.enforced),
    event.requests,
    JSON.stringify(event.found),
  ]);
  const names = sql.join(Object.keys(columns).map((name) => sql.id(name)));
  await sql`INSERT INTO content_findings (org_id, source, subject, ${names})
    SELECT ${orgId}, ${source}, ${subject}, ${names} FROM ${jsonRows(engine, columns, values)} AS told`.execute(
    db,
  );
}
