import type { OrgId } from "@flowstate/shared/ids";
import { catalogueServices } from "../catalogue/services.data.ts";
import type { ServiceEnvironment } from "../service-accounts/tables.ts";
import type { Reader } from "../store/open.ts";
import type { AiKeyState } from "./tables.ts";

/** A key of a person, or what became of the wish for one. */
export interface AiKey {
  readonly requestId: string;
  readonly subject: string;
  readonly tool: string;
  /** As the catalogue calls the tool. */
  readonly toolName: string;
  readonly environment: ServiceEnvironment;
  readonly purpose: string;
  readonly state: AiKeyState;
  readonly requestedAt: number;
  readonly decidedAt: number | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly keyId: string | null;
  readonly createdAt: number | null;
  /** When the key last reported to this control plane; traffic through a proxy is counted by person. */
  readonly lastUsedAt: number | null;
}

interface Wanted {
  readonly subject?: string;
  readonly states?: readonly AiKeyState[];
  readonly requestId?: string;
  readonly limit?: number;
}

/** Keys and requests, the newest first. */
export async function listAiKeys(
  db: Reader,
  orgId: OrgId,
  { subject, states, requestId, limit = 1000 }: Wanted,
): Promise<readonly AiKey[]> {
  let wanted = db
    .selectFrom("ai_key_requests as request")
    .leftJoin("keys", (join) =>
      join.onRef("keys.org_id", "=", "request.org_id").onRef("keys.key_id", "=", "request.key_id"),
    )
    .selectAll("request")
    .select(["keys.created_at", "keys.last_used_at"])
    .where("request.org_id", "=", orgId);
  if (subject !== undefined) wanted = wanted.where("request.subject", "=", subject);
  if (states !== undefined) wanted = wanted.where("request.state", "in", states);
  if (requestId !== undefined) wanted = wanted.where("request.request_id", "=", requestId);
  const rows = await wanted
    .orderBy("requested_at", "desc")
    .orderBy("request_id", "desc")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    requestId: row.request_id,
    subject: row.subject,
    tool: row.tool,
    toolName: names.get(row.tool) ?? row.tool,
    environment: row.environment,
    purpose: row.purpose,
    state: row.state,
    requestedAt: row.requested_at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    reason: row.reason,
    keyId: row.key_id,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

const names = new Map(catalogueServices.map(({ id, name }) => [id, name]));
