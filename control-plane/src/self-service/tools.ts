import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../audit/record.ts";
import { catalogueServices } from "../catalogue/services.data.ts";
import type { KeyContext } from "../keys/provision.ts";
import type { Reader, Writer } from "../store/open.ts";

/** A tool of the catalogue for which people can have keys. */
export interface AiKeyTool {
  readonly tool: string;
  readonly name: string;
  /** Whether somebody else has to agree to a key for production; usual unless an admin says otherwise. */
  readonly requiresApproval: boolean;
}

export async function listTools(db: Reader, orgId: OrgId): Promise<readonly AiKeyTool[]> {
  const rows = await db.selectFrom("ai_key_tools").selectAll().where("org_id", "=", orgId).execute();
  const said = new Map(rows.map((row) => [row.tool, row.requires_approval === 1n]));
  return catalogueServices
    .map(({ id, name }) => ({ tool: id, name, requiresApproval: said.get(id) ?? true }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Throws FS_NOT_FOUND for what the catalogue does not have. */
export async function requireTool(db: Reader, orgId: OrgId, tool: string): Promise<AiKeyTool> {
  const found = (await listTools(db, orgId)).find((one) => one.tool === tool);
  if (found !== undefined) return found;
  throw new FlowstateError("FS_NOT_FOUND", `the catalogue has no tool "${tool.slice(0, 40)}"`);
}

/** Says whether keys of a tool take approval in production. Throws FS_NOT_FOUND. */
export async function setToolApproval(
  db: Writer,
  { orgId, actor, now }: KeyContext,
  tool: string,
  requiresApproval: boolean,
): Promise<AiKeyTool> {
  const before = await requireTool(db, orgId, tool);
  const value = requiresApproval ? 1n : 0n;
  await db
    .insertInto("ai_key_tools")
    .values({ org_id: orgId, tool, requires_approval: value })
    .onConflict((on) => on.columns(["org_id", "tool"]).doUpdateSet({ requires_approval: value }))
    .execute();
  if (before.requiresApproval !== requiresApproval) {
    const detail = requiresApproval ? "production takes approval" : "production takes no approval";
    await recordAudit(db, { orgId, at: now, actor, action: "ai_key_tool.updated", target: tool, detail });
  }
  return { ...before, requiresApproval };
}
