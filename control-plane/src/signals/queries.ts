import { FlowstateError } from "@flowstate/shared/errors";
import type { OrgId } from "@flowstate/shared/ids";
import type { Reader } from "../store/open.ts";
import type { SignalTables } from "./tables.ts";
import { signalTypeNames, type SignalCategory, type SignalSeverity } from "./types.ts";

export type Signal = SignalTables["signals"];

/** What is left out does not narrow; an empty list leaves nothing. */
export interface SignalFilter {
  readonly types?: readonly string[] | null | undefined;
  readonly categories?: readonly SignalCategory[] | null | undefined;
  readonly severities?: readonly SignalSeverity[] | null | undefined;
  readonly subject?: string | null | undefined;
  /** Those alone that nobody has resolved. */
  readonly openOnly?: boolean | null | undefined;
  /** Detected at or after it. */
  readonly since?: number | null | undefined;
}

/** The newest first. Throws FS_INPUT_INVALID for a type that there is not. */
export async function listSignals(
  db: Reader,
  orgId: OrgId,
  { types, categories, severities, subject, openOnly, since }: SignalFilter,
  limit: number,
): Promise<readonly Signal[]> {
  const wanted = types?.map(requireType);
  if ([wanted, categories, severities].some((names) => names?.length === 0)) return [];
  let rows = db.selectFrom("signals").selectAll().where("org_id", "=", orgId);
  if (wanted !== undefined) rows = rows.where("type", "in", wanted);
  if (categories != null) rows = rows.where("category", "in", categories);
  if (severities != null) rows = rows.where("severity", "in", severities);
  if (subject != null) rows = rows.where("subject", "=", subject.toLowerCase());
  if (openOnly === true) rows = rows.where("resolution", "is", null);
  if (since != null) rows = rows.where("detected_at", ">=", since);
  // A night's run detects many at once.
  const newest = rows.orderBy("detected_at", "desc").orderBy("happened_at", "desc");
  return newest.orderBy("signal_id").limit(limit).execute();
}

function requireType(name: string) {
  const type = signalTypeNames.find((known) => known === name);
  if (type !== undefined) return type;
  throw new FlowstateError(
    "FS_INPUT_INVALID",
    `types: "${name.slice(0, 60)}" is no type of signal; use ${signalTypeNames.join(", ")}`,
  );
}

/** Signals about each service account since then; accounts without any are not in it. */
export async function countByAccount(
  db: Reader,
  orgId: OrgId,
  since: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom("signals")
    .select(["service_account_id", (row) => row.fn.countAll<bigint>().as("signals")])
    .where("org_id", "=", orgId)
    .where("detected_at", ">=", since)
    .where("service_account_id", "is not", null)
    .groupBy("service_account_id")
    .execute();
  return new Map(rows.map((row) => [row.service_account_id ?? "", Number(row.signals)]));
}
