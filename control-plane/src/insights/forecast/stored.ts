import type { OrgId } from "@flowstate/shared/ids";
import type { Period, UsageDate } from "@flowstate/shared/time";
import type { Reader } from "../../store/open.ts";
import type { ForecastConfidence } from "./confidence.ts";
import type { Node } from "./nodes.ts";
import type { ForecastPoint, MonthActual } from "./organisation.ts";

/** How and when the forecasts were made, and how well such forecasts did in the past. */
export interface ForecastRun {
  readonly asOf: UsageDate;
  readonly madeAt: number;
  readonly people: number;
  readonly covered80: number | null;
  readonly covered95: number | null;
  readonly ownBands: boolean;
}

export interface StoredForecast {
  readonly kind: Node["kind"];
  /** Null for the organisation, and for what belongs to no project or no team. */
  readonly id: string | null;
  /** As the directory calls it; null where it knows no such thing. */
  readonly name: string | null;
  readonly asOf: UsageDate;
  readonly rationale: string;
  readonly confidence: ForecastConfidence;
  readonly method: string;
  readonly headcount: number;
  readonly fte: number;
  readonly allocatedUntil: string | null;
  readonly actual30d: bigint;
  readonly backtestMase: number | null;
  readonly actuals: readonly MonthActual[];
  /** The current month, then six ahead. */
  readonly points: readonly ForecastPoint[];
}

/** The newest making of forecasts; null before the first. */
export async function loadForecastRun(db: Reader, orgId: OrgId): Promise<ForecastRun | null> {
  const row = await db
    .selectFrom("forecast_runs")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("as_of", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined
    ? null
    : {
        asOf: row.as_of as UsageDate,
        madeAt: row.made_at,
        people: Number(row.people),
        covered80: share(row.covered_80_ppm),
        covered95: share(row.covered_95_ppm),
        ownBands: row.own_bands === 1n,
      };
}

/** The newest forecasts of one kind, the dearest six months first; none before the first were made. */
export async function loadForecasts(
  db: Reader,
  orgId: OrgId,
  kind: Node["kind"],
): Promise<readonly StoredForecast[]> {
  const run = await loadForecastRun(db, orgId);
  if (run === null) return [];
  const rows = await db
    .selectFrom("forecasts")
    .selectAll()
    .where("org_id", "=", orgId)
    .where("as_of", "=", run.asOf)
    .where("kind", "=", kind)
    .execute();
  const names = kind === "organisation" ? new Map<string, string>() : await loadNames(db, orgId, kind);
  return rows
    .map((row): StoredForecast => ({
      kind,
      id: row.node_id === "" ? null : row.node_id,
      name: names.get(row.node_id) ?? null,
      asOf: run.asOf,
      rationale: row.rationale,
      confidence: row.confidence,
      method: row.method,
      headcount: Number(row.headcount),
      fte: Number(row.fte_ppm) / 1_000_000,
      allocatedUntil: row.allocated_until,
      actual30d: row.actual_30d_nano_usd,
      backtestMase: share(row.backtest_mase_ppm),
      actuals: readActuals(row.actuals),
      points: readPoints(row.points),
    }))
    .sort((a, b) => descending(aheadOf(a), aheadOf(b)) || ((a.id ?? "") < (b.id ?? "") ? -1 : 1));
}

/** One month as it was forecast on a day. */
export interface MonthForecast extends Pick<StoredForecast, "kind" | "id" | "name"> {
  readonly point: ForecastPoint;
}

/** What was forecast of a month on that day, for every kind; nothing where that day's forecasts do not reach it. */
export async function loadMonthForecasts(
  db: Reader,
  orgId: OrgId,
  asOf: string,
  period: Period,
): Promise<readonly MonthForecast[]> {
  const rows = await db
    .selectFrom("forecasts")
    .select(["kind", "node_id", "points"])
    .where("org_id", "=", orgId)
    .where("as_of", "=", asOf)
    .execute();
  const names = {
    organisation: new Map<string, string>(),
    project: await loadNames(db, orgId, "project"),
    team: await loadNames(db, orgId, "team"),
  };
  return rows.flatMap(({ kind, node_id, points }) => {
    const point = readPoints(points).find((each) => each.period === period);
    const id = node_id === "" ? null : node_id;
    return point === undefined ? [] : [{ kind, id, name: names[kind].get(node_id) ?? null, point }];
  });
}

/** Points as text for the database: every amount in decimal nano-dollars. */
export function printPoints(points: readonly (MonthActual | ForecastPoint)[]): string {
  return JSON.stringify(points, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

type Printed = readonly Readonly<Record<string, string>>[];

function readActuals(text: string): readonly MonthActual[] {
  return (JSON.parse(text) as Printed).map((month) => ({
    period: month["period"] as Period,
    nanoUsd: BigInt(month["nanoUsd"] ?? 0),
  }));
}

function readPoints(text: string): readonly ForecastPoint[] {
  return (JSON.parse(text) as Printed).map((point) => {
    const amount = (name: keyof ForecastPoint): bigint => BigInt(point[name] ?? 0);
    return {
      period: point["period"] as Period,
      expected: amount("expected"),
      low80: amount("low80"),
      high80: amount("high80"),
      low95: amount("low95"),
      high95: amount("high95"),
    };
  });
}

async function loadNames(
  db: Reader,
  orgId: OrgId,
  kind: "project" | "team",
): Promise<ReadonlyMap<string, string>> {
  const rows =
    kind === "project"
      ? await db
          .selectFrom("projects")
          .select(["project_id as id", "name"])
          .where("org_id", "=", orgId)
          .execute()
      : await db.selectFrom("teams").select(["team_id as id", "name"]).where("org_id", "=", orgId).execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function aheadOf({ points }: StoredForecast): bigint {
  return points.slice(1).reduce((sum, { expected }) => sum + expected, 0n);
}

function descending(a: bigint, b: bigint): number {
  return a === b ? 0 : a > b ? -1 : 1;
}

function share(ppm: bigint | null): number | null {
  return ppm === null ? null : Number(ppm) / 1_000_000;
}
