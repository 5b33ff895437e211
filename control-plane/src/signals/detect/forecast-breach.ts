import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { periodBounds, periodOf, type Period } from "@flowstate/shared/time";
import type { ForecastPoint } from "../../insights/forecast/organisation.ts";
import { loadForecastRun, loadMonthForecasts, type MonthForecast } from "../../insights/forecast/stored.ts";
import type { Detector, Finding, Scope } from "../finding.ts";

const leastNanoUsd = 50_000_000_000n;

/** The current month as it is forecast now, against what was forecast of it before it began. */
export const forecastBreach: Detector = {
  types: ["forecast_breach"],
  cadence: "nightly",
  async find(scope) {
    const { db, orgId, now } = scope;
    const period = periodOf(now);
    const newest = await loadForecastRun(db, orgId);
    const opening = await openingDay(scope, period);
    if (newest === null || opening === null) return [];
    const [expected, promised] = [
      await loadMonthForecasts(db, orgId, newest.asOf, period),
      await loadMonthForecasts(db, orgId, opening, period),
    ];
    return expected.flatMap((node) => {
      const before = promised.find(({ kind, id }) => kind === node.kind && id === node.id);
      return before === undefined ? [] : judgeMonth(node, before.point, opening);
    });
  },
};

/** The signal, if any, of one organisation, project or team. */
export function judgeMonth(
  { kind, id, name, point: now }: MonthForecast,
  before: ForecastPoint,
  forecastOn: string,
): readonly Finding[] {
  if (now.expected <= before.high95 || now.expected - before.high95 < leastNanoUsd) return [];
  const { period } = now;
  return [
    {
      type: "forecast_breach",
      // Even the least that the month may still come to is above the most that was forecast.
      severity: now.low95 > before.high95 ? "WARN" : "INFO",
      subject: null,
      sessionId: null,
      service: null,
      about: `${kind} ${id ?? ""}`,
      occurrence: period,
      at: periodBounds(period).from,
      evidence: {
        month: period,
        of: kind,
        id,
        name,
        expectedUsd: formatUsd(now.expected as NanoUsd),
        atLeastUsd: formatUsd(now.low95 as NanoUsd),
        forecastUsd: formatUsd(before.expected as NanoUsd),
        forecastAtMostUsd: formatUsd(before.high95 as NanoUsd),
        forecastOn,
      },
    },
  ];
}

/** The last day before the month on which a forecast was made. */
async function openingDay({ db, orgId }: Scope, period: Period): Promise<string | null> {
  const row = await db
    .selectFrom("forecast_runs")
    .select("as_of")
    .where("org_id", "=", orgId)
    .where("as_of", "<", `${period}-01`)
    .orderBy("as_of", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.as_of ?? null;
}
