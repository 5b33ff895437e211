import { sql } from "kysely";
import type { OrgId } from "@flowstate/shared/ids";
import { fewestBlank, isDrifting, mostBlankShare, type FormatEvent } from "@flowstate/shared/wire/format";
import type { Reader, Writer } from "../store/open.ts";

export interface FormatReport {
  readonly orgId: OrgId;
  readonly subject: string;
  /** The reporting device. */
  readonly source: string;
}

/**
 * Keeps how far a device understands each format. Its counts run on, so the newest telling takes the place of the one
 * before, in whatever order they come and however often: also that of a newer agent, whose counts begin anew.
 */
export async function takeFormats(
  db: Writer,
  { orgId, subject, source }: FormatReport,
  told: readonly FormatEvent[],
): Promise<void> {
  for (const { capture, tool, toolVersion, host, agentVersion, seen, blank, firstAt, occurredAt } of told) {
    const counts = {
      subject,
      agent_version: agentVersion,
      seen: BigInt(seen),
      blank: BigInt(blank),
      first_at: Date.parse(firstAt),
      last_at: Date.parse(occurredAt),
    };
    await db
      .insertInto("format_counts")
      .values({
        org_id: orgId,
        source,
        capture,
        tool,
        tool_version: toolVersion ?? "",
        host: host ?? "",
        ...counts,
      })
      .onConflict((on) =>
        on
          .columns(["org_id", "source", "capture", "tool", "tool_version", "host"])
          .doUpdateSet(counts)
          .where(
            sql<boolean>`excluded.last_at > format_counts.last_at
              OR excluded.last_at = format_counts.last_at AND excluded.seen > format_counts.seen`,
          ),
      )
      .execute();
  }
}

/** A format by its name: the tool and its version, or the API and who answered. */
export interface FormatName {
  /** The tool that writes it; of answers on the wire, the API. */
  readonly tool: string;
  readonly toolVersion: string | null;
  readonly host: string | null;
}

export interface FormatDevices {
  /** Devices that met it. */
  readonly devices: number;
  /** Those of them that do not understand it any more. */
  readonly driftingDevices: number;
}

/** One format, as one capture saw it, over all devices that met it. */
export interface FormatUse extends FormatName, FormatDevices {
  readonly capture: FormatEvent["capture"];
  readonly seen: bigint;
  readonly blank: bigint;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** As `isDrifting` has it: of one device's counts, and of all devices' together. */
const isRowDrifting = sql<boolean>`blank >= ${fewestBlank}
  AND blank > seen * CAST(${mostBlankShare} AS DOUBLE PRECISION)`;
const isSumDrifting = sql<boolean>`sum(blank) >= ${fewestBlank}
  AND sum(blank) > sum(seen) * CAST(${mostBlankShare} AS DOUBLE PRECISION)`;
const driftingRows = sql<bigint>`CAST(sum(CASE WHEN ${isRowDrifting} THEN 1 ELSE 0 END) AS BIGINT)`;
const isUseDrifting = sql<boolean>`(${driftingRows} > 0 OR (${isSumDrifting}))`;

/** Formats that devices met at or after `from`, those that are not understood first, then the most often met. */
export async function listFormats(
  db: Reader,
  orgId: OrgId,
  { from, limit, driftingOnly = false }: { from: number; limit: number; driftingOnly?: boolean },
): Promise<readonly FormatUse[]> {
  const names = ["capture", "tool", "tool_version", "host"] as const;
  const rows = await db
    .selectFrom("format_counts")
    .select([
      ...names,
      sql<bigint>`CAST(sum(seen) AS BIGINT)`.as("seen"),
      sql<bigint>`CAST(sum(blank) AS BIGINT)`.as("blank"),
      (row) => row.fn.countAll<bigint>().as("devices"),
      driftingRows.as("drifting"),
      (row) => row.fn.min("first_at").as("first_at"),
      (row) => row.fn.max("last_at").as("last_at"),
    ])
    .where("org_id", "=", orgId)
    .where("last_at", ">=", from)
    .groupBy(names)
    .$if(driftingOnly, (all) => all.having(isUseDrifting))
    .orderBy(sql`CASE WHEN ${isUseDrifting} THEN 0 ELSE 1 END`)
    .orderBy(sql`sum(seen)`, "desc")
    .orderBy("tool")
    .orderBy("tool_version")
    .orderBy("host")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    capture: row.capture,
    tool: row.tool,
    toolVersion: row.tool_version || null,
    host: row.host || null,
    seen: row.seen,
    blank: row.blank,
    devices: Number(row.devices),
    driftingDevices: Number(row.drifting),
    firstAt: row.first_at,
    lastAt: row.last_at,
  }));
}

/** Whether a format is not understood any more: by one device alone, or by all of them together. */
export function isFormatDrifting({ driftingDevices, seen, blank }: FormatUse): boolean {
  return driftingDevices > 0 || isDrifting({ seen: Number(seen), blank: Number(blank) });
}

/** Devices that met a format, each once, whatever they saw it by. */
export async function countFormatDevices(
  db: Reader,
  orgId: OrgId,
  { tool, toolVersion, host }: FormatName,
  from: number,
): Promise<FormatDevices> {
  const row = await db
    .selectFrom("format_counts")
    .select([
      sql<bigint>`count(DISTINCT source)`.as("devices"),
      sql<bigint>`count(DISTINCT CASE WHEN ${isRowDrifting} THEN source END)`.as("drifting"),
    ])
    .where("org_id", "=", orgId)
    .where("last_at", ">=", from)
    .where("tool", "=", tool)
    .where("tool_version", "=", toolVersion ?? "")
    .where("host", "=", host ?? "")
    .executeTakeFirstOrThrow();
  return { devices: Number(row.devices), driftingDevices: Number(row.drifting) };
}
