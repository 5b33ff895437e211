import { FlowstateError } from "@flowstate/shared/errors";
import { newId } from "@flowstate/shared/ids";
import { keyLabel } from "@flowstate/shared/keys";
import { recordAudit, type AuditAction } from "../audit/record.ts";
import { issuePersonalKey, revokeKey, type KeyContext, type KeyReveal } from "../keys/provision.ts";
import { raiseRevision } from "../orgs/orgs.ts";
import type { ServiceEnvironment } from "../service-accounts/tables.ts";
import { isUniqueViolation, type Writer } from "../store/open.ts";
import type { AiKeyState, SelfServiceTables } from "./tables.ts";
import { requireTool } from "./tools.ts";

export interface AiKeyWish {
  /** Whose key it will be. */
  readonly subject: string;
  readonly tool: string;
  readonly environment: ServiceEnvironment;
  /** One line, for who decides and for the audit log. */
  readonly purpose: string;
}

type Row = SelfServiceTables["ai_key_requests"];

/**
 * Asks for a key. Where production of the tool takes approval it waits for somebody else; otherwise it may be revealed
 * at once. Throws FS_NOT_FOUND, FS_INPUT_INVALID, and FS_CONFLICT while there is such a key or request.
 */
export async function requestAiKey(db: Writer, context: KeyContext, wish: AiKeyWish): Promise<string> {
  const { subject, environment } = wish;
  const { orgId, now } = context;
  const { tool, requiresApproval } = await requireTool(db, orgId, wish.tool);
  const purpose = readLine("purpose", wish.purpose);
  const requestId = newId(now);
  const waits = requiresApproval && environment === "production";
  try {
    await db
      .insertInto("ai_key_requests")
      .values({
        org_id: orgId,
        request_id: requestId,
        subject,
        tool,
        environment,
        purpose,
        state: waits ? "PENDING" : "APPROVED",
        requested_at: now,
        decided_at: null,
        decided_by: null,
        reason: null,
        key_id: null,
      })
      .execute();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new FlowstateError(
      "FS_CONFLICT",
      `there is a key or a request for ${tool} in ${environment} already`,
    );
  }
  const detail = `${subject}, ${environment}${waits ? "" : ", without approval"}: ${purpose}`;
  await audit(db, context, "ai_key.requested", tool, detail);
  return requestId;
}

/**
 * Agrees to a request, or refuses it for a reason. `decider` is the deciding person; null is nobody, as an API key is.
 * Throws FS_NOT_FOUND, FS_INPUT_INVALID, FS_CONFLICT where it was decided already, and FS_FORBIDDEN to nobody and to
 * whoever made it, who could otherwise agree by a key of their own making.
 */
export async function decideAiKey(
  db: Writer,
  context: KeyContext,
  requestId: string,
  decision:
    | { readonly decider: string | null; readonly approve: true }
    | { readonly decider: string | null; readonly approve: false; readonly reason: string },
): Promise<void> {
  const { subject, tool, environment } = await requireRequest(db, context, requestId);
  if (decision.decider === null)
    throw new FlowstateError("FS_FORBIDDEN", "a person decides: sign in, for a key speaks for nobody");
  if (decision.decider === subject)
    throw new FlowstateError("FS_FORBIDDEN", "nobody decides on a key of their own: somebody else must");
  const reason = decision.approve ? null : readLine("reason", decision.reason);
  await move(db, context, requestId, ["PENDING"], {
    state: decision.approve ? "APPROVED" : "REJECTED",
    decided_at: context.now,
    decided_by: context.actor,
    reason,
  });
  const detail = `${subject}, ${environment}${reason === null ? "" : `: ${reason}`}`;
  await audit(db, context, decision.approve ? "ai_key.approved" : "ai_key.refused", tool, detail);
}

/**
 * Makes the key of a request of the person's own, shown this once. Throws FS_NOT_FOUND, and FS_CONFLICT where it waits,
 * was refused or was revealed before.
 */
export async function revealAiKey(
  db: Writer,
  context: KeyContext,
  subject: string,
  requestId: string,
): Promise<KeyReveal> {
  // First, because it also makes a second reveal of the same key wait.
  await raiseRevision(db, context.orgId);
  const { tool, environment } = await requireRequest(db, context, requestId, subject);
  await move(db, context, requestId, ["APPROVED"], { state: "ACTIVE" });
  const reveal = await issuePersonalKey(db, context, { name: `${tool} (${environment})`, subject });
  await db
    .updateTable("ai_key_requests")
    .set({ key_id: reveal.keyId })
    .where("org_id", "=", context.orgId)
    .where("request_id", "=", requestId)
    .execute();
  const detail = `${subject}, ${environment}, ${keyLabel("personal", reveal.keyId)}`;
  await audit(db, context, "ai_key.revealed", tool, detail);
  return reveal;
}

/**
 * Revokes a key, or takes a request back; every proxy refuses the key within seconds. `subject` limits it to that
 * person's own. Throws FS_NOT_FOUND, and FS_CONFLICT where there is nothing left to revoke.
 */
export async function revokeAiKey(
  db: Writer,
  context: KeyContext,
  requestId: string,
  subject: string | null,
): Promise<void> {
  await raiseRevision(db, context.orgId);
  const { tool, environment, ...row } = await requireRequest(db, context, requestId, subject);
  await move(db, context, requestId, ["PENDING", "APPROVED", "ACTIVE"], { state: "REVOKED" });
  if (row.key_id !== null) await revokeKey(db, context, row.key_id, ["personal"]);
  await audit(db, context, "ai_key.revoked", tool, `${row.subject}, ${environment}`);
}

/** Revokes whatever a person has or has asked for, as when they leave; returns how many. */
export async function revokeKeysOf(
  db: Writer,
  context: Omit<KeyContext, "pepper">,
  subject: string,
): Promise<number> {
  const open = await db
    .updateTable("ai_key_requests")
    .set({ state: "REVOKED" })
    .where("org_id", "=", context.orgId)
    .where("subject", "=", subject)
    .where("state", "in", ["PENDING", "APPROVED", "ACTIVE"])
    .returning(["tool", "environment", "key_id"])
    .execute();
  for (const { tool, environment, key_id } of open) {
    if (key_id !== null) await revokeKey(db, context, key_id, ["personal"]);
    await audit(db, context, "ai_key.revoked", tool, `${subject}, ${environment}`);
  }
  return open.length;
}

/** Moves a request on, unless somebody else has moved it meanwhile. */
async function move(
  db: Writer,
  { orgId }: KeyContext,
  requestId: string,
  from: readonly AiKeyState[],
  change: Partial<Row>,
): Promise<void> {
  const moved = await db
    .updateTable("ai_key_requests")
    .set(change)
    .where("org_id", "=", orgId)
    .where("request_id", "=", requestId)
    .where("state", "in", from)
    .returning("request_id")
    .executeTakeFirst();
  if (moved !== undefined) return;
  const { state } = await db
    .selectFrom("ai_key_requests")
    .select("state")
    .where("org_id", "=", orgId)
    .where("request_id", "=", requestId)
    .executeTakeFirstOrThrow();
  throw new FlowstateError("FS_CONFLICT", `this key is ${state}, not ${from.join(" or ")}`);
}

/** Somebody else's request is none where it must be one's own. */
async function requireRequest(
  db: Writer,
  { orgId }: KeyContext,
  requestId: string,
  subject: string | null = null,
): Promise<Row> {
  const row = await db
    .selectFrom("ai_key_requests")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("request_id", "=", requestId)
    .executeTakeFirst();
  if (row !== undefined && (subject === null || row.subject === subject)) return row;
  throw new FlowstateError("FS_NOT_FOUND", `there is no key or request "${requestId.slice(0, 40)}"`);
}

const mostCharacters = 200;

function readLine(field: string, given: string): string {
  const line = given.replace(/\s+/g, " ").trim();
  if (line === "" || line.length > mostCharacters)
    throw new FlowstateError("FS_INPUT_INVALID", `${field} takes 1 to ${mostCharacters} characters`);
  return line;
}

async function audit(
  db: Writer,
  { orgId, actor, now }: Omit<KeyContext, "pepper">,
  action: AuditAction,
  target: string,
  detail: string,
): Promise<void> {
  await recordAudit(db, { orgId, at: now, actor, action, target, detail });
}
