import * as v from "valibot";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import { agentSettings, defaultAgentSettings, type AgentSettings } from "@flowstate/shared/wire/agent-policy";
import { recordAudit } from "../audit/record.ts";
import { raiseRevision } from "../orgs/orgs.ts";
import type { Reader, Writer } from "../store/open.ts";
import type { PolicyChangeContext } from "./versions.ts";

export async function readAgentSettings(db: Reader, orgId: OrgId): Promise<AgentSettings> {
  const row = await db
    .selectFrom("agent_settings")
    .select("settings")
    .where("org_id", "=", orgId)
    .executeTakeFirst();
  return row === undefined ? defaultAgentSettings : v.parse(agentSettings, JSON.parse(row.settings));
}

/** Changes what is given and leaves the rest; connected agents are told. Throws FS_INPUT_INVALID. */
export async function setAgentSettings(
  db: Writer,
  { orgId, actor, now }: PolicyChangeContext,
  change: Partial<AgentSettings>,
): Promise<AgentSettings> {
  // First, because it also makes a second change in the same organisation wait.
  await raiseRevision(db, orgId);
  const before = await readAgentSettings(db, orgId);
  const parsed = v.safeParse(agentSettings, { ...before, ...change });
  if (!parsed.success) throw refused(String(parsed.issues[0].path?.[0].key));
  const after = parsed.output;
  const changed = (Object.keys(after) as (keyof AgentSettings)[]).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  );
  if (changed.length === 0) return after;
  const values = { settings: JSON.stringify(after), updated_at: now, updated_by: actor };
  await db
    .insertInto("agent_settings")
    .values({ org_id: orgId, ...values })
    .onConflict((on) => on.column("org_id").doUpdateSet(values))
    .execute();
  const detail = changed
    .map((name) => `${name} ${JSON.stringify(before[name])} -> ${JSON.stringify(after[name])}`)
    .join("; ");
  await recordAudit(db, { orgId, at: now, actor, action: "agent_settings.set", detail });
  return after;
}

function refused(field: string): FlowstateError {
  const expected = expectations[field as keyof AgentSettings] ?? "is not as documented";
  return new FlowstateError("FS_INPUT_INVALID", `${field} ${expected}`);
}

const expectations: Readonly<Partial<Record<keyof AgentSettings, string>>> = {
  maintenanceWindow: "takes one to seven weekdays, 0 to 6, and UTC times such as 22:00",
  pinnedVersion: "takes a version such as 1.12.1",
  upstreamProxy: "takes an address such as http://proxy.example.com:3128, without credentials or path",
};
