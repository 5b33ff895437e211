import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

const rowFields = operation(`fragment AttributionFields on AttributionRow {
  key label paidUsd listPriceUsd billedUsd billedFlatUsd totalTokens calls uncostedCalls estimatedCalls sessions people
}`);

export const attributionQuery = operation(
  `query Attribution(
  $by: AttributionDimension!
  $startDate: Date
  $endDate: Date
  $costMode: CostMode
  $costCentre: String
  $team: ID
  $project: ID
  $person: String
  $service: String
  $model: String
) {
  aiAttribution(
    by: $by
    startDate: $startDate
    endDate: $endDate
    costMode: $costMode
    costCentre: $costCentre
    team: $team
    project: $project
    person: $person
    service: $service
    model: $model
    limit: 500
  ) {
    rows { ...AttributionFields }
    total { ...AttributionFields }
    truncated headcount peopleSeen telemetryCoverage unresolvedPeople
  }
}`,
  [rowFields],
);

export const sessionsQuery = operation(`query AttributedSessions(
  $startDate: Date
  $endDate: Date
  $costCentre: String
  $team: ID
  $project: ID
  $person: String
  $service: String
  $model: String
  $offset: Int
) {
  aiAttributedSessions(
    startDate: $startDate
    endDate: $endDate
    costCentre: $costCentre
    team: $team
    project: $project
    person: $person
    service: $service
    model: $model
    limit: 51
    offset: $offset
  ) {
    id subject tool service project models startedAt endedAt calls inputTokens outputTokens
    cacheReadTokens cacheWriteTokens costUsd estimated
  }
}`);

export type AttributionAnswer = ResultOf<typeof attributionQuery>["aiAttribution"];
export type AttributionRow = AttributionAnswer["rows"][number];
export type SessionRow = ResultOf<typeof sessionsQuery>["aiAttributedSessions"][number];
