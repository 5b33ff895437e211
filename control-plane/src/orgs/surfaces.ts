import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { recordAudit } from "../audit/record.ts";
import { loadRates } from "../billing/exchange.ts";
import type { Reader, Writer } from "../store/open.ts";

/** How an organisation lets its data be asked about. */
export interface SurfaceSettings {
  readonly mcpEnabled: boolean;
  readonly reportingCurrency: string;
}

interface Change {
  readonly orgId: OrgId;
  readonly actor: string;
  readonly now: number;
}

export async function readSurfaceSettings(db: Reader, orgId: OrgId): Promise<SurfaceSettings> {
  const row = await db
    .selectFrom("orgs")
    .select(["mcp_enabled", "reporting_currency"])
    .where("org_id", "=", orgId)
    .executeTakeFirstOrThrow();
  return { mcpEnabled: row.mcp_enabled === 1n, reportingCurrency: row.reporting_currency };
}

/** Lets applications ask over MCP, or turns all of them away at once. */
export async function setMcpEnabled(
  db: Writer,
  { orgId, actor, now }: Change,
  enabled: boolean,
): Promise<void> {
  await db
    .updateTable("orgs")
    .set({ mcp_enabled: enabled ? 1n : 0n })
    .where("org_id", "=", orgId)
    .execute();
  await recordAudit(db, { orgId, at: now, actor, action: enabled ? "mcp.enabled" : "mcp.disabled" });
}

/** Throws FS_INPUT_INVALID where no exchange rate of the currency is known. */
export async function setReportingCurrency(
  db: Writer,
  { orgId, actor, now }: Change,
  currency: string,
): Promise<void> {
  if (currency !== "USD" && !(await loadRates(db, orgId)).has(currency)) {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      `no exchange rate of "${currency.slice(0, 10)}" is known; set one with \`flowstate-control exchange-rate set\``,
    );
  }
  await db.updateTable("orgs").set({ reporting_currency: currency }).where("org_id", "=", orgId).execute();
  await recordAudit(db, { orgId, at: now, actor, action: "reporting_currency.set", target: currency });
}
