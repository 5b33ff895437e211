import type { OrgId } from "@flowstate/shared/ids";
import type { AgentEvent } from "@flowstate/shared/wire/release";
import type { Reader, Writer } from "../store/open.ts";

/** One device and the agent on it. */
export interface AgentOnDevice {
  /** The device's own id, a UUID. */
  readonly source: string;
  readonly subject: string;
  readonly version: string;
  /** System and processor, such as `linux-x64`. */
  readonly platform: string;
  /** The version that the settings would have there; null where it runs, and where the settings do not say `manual`. */
  readonly updateAvailable: string | null;
  readonly toldAt: number;
  /** When the device last reported anything. */
  readonly lastReportedAt: number;
}

/** Takes what a device says of its own program: the latest word stands, in whatever order they come. */
export async function takeAgentEvents(
  db: Writer,
  { orgId, subject, source }: { readonly orgId: OrgId; readonly subject: string; readonly source: string },
  told: readonly AgentEvent[],
): Promise<void> {
  for (const { occurredAt, version, platform, available } of told) {
    const values = { subject, version, platform, available, told_at: Date.parse(occurredAt) };
    await db
      .insertInto("agent_versions")
      .values({ org_id: orgId, source, ...values })
      .onConflict((on) =>
        on
          .columns(["org_id", "source"])
          .doUpdateSet(values)
          .where("agent_versions.told_at", "<=", values.told_at),
      )
      .execute();
  }
}

/** The organisation's devices, those with a newer version at hand first, then by person. */
export async function listAgents(db: Reader, orgId: OrgId, limit: number): Promise<readonly AgentOnDevice[]> {
  const rows = await db
    .selectFrom("agent_versions as agent")
    .innerJoin("devices", (on) =>
      on.onRef("devices.org_id", "=", "agent.org_id").onRef("devices.source", "=", "agent.source"),
    )
    .selectAll("agent")
    .select("devices.last_reported_at")
    .where("agent.org_id", "=", orgId)
    .orderBy((row) => row.case().when("agent.available", "is", null).then(1).else(0).end())
    .orderBy("agent.subject")
    .orderBy("agent.source")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    source: row.source,
    subject: row.subject,
    version: row.version,
    platform: row.platform,
    updateAvailable: row.available,
    toldAt: row.told_at,
    lastReportedAt: row.last_reported_at,
  }));
}
