import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

const pointFields = operation(`fragment PointFields on ForecastPoint {
  period expectedUsd lowUsd highUsd low95Usd high95Usd
}`);

export const forecastQuery = operation(
  `query Forecast($organizationId: ID!) {
  aiForecastRun { asOf madeAt people ownBands backtestMase covered80 covered95 }
  aiForecastMonthlySeries(organizationId: $organizationId, monthsBack: 6, monthsAhead: 6) {
    period actualUsd expectedUsd lowUsd highUsd
  }
  aiProjectForecasts(organizationId: $organizationId) {
    id: projectId name: project rationale headcount fte actual30dUsd confidence method backtestMase allocatedUntil
    currentMonth { ...PointFields }
    points { ...PointFields }
  }
  aiTeamForecasts(organizationId: $organizationId) {
    id: teamId name: team rationale headcount fte actual30dUsd confidence method backtestMase allocatedUntil
    currentMonth { ...PointFields }
    points { ...PointFields }
  }
}`,
  [pointFields],
);

export const refreshNow = operation(`mutation RefreshForecasts { refreshForecasts }`);

type Answer = ResultOf<typeof forecastQuery>;
export type ForecastRow = Answer["aiProjectForecasts"][number];
export type ForecastRun = Answer["aiForecastRun"];
export type SeriesPoint = Answer["aiForecastMonthlySeries"][number];
