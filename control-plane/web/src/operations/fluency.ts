import type { ResultOf } from "gql.tada";
import { operation } from "../operation.ts";

export const fluencyQuery = operation(`query Fluency($scope: FluencyScope!, $windowDays: Int!) {
  fluencyRollup(scope: $scope, windowDays: $windowDays) {
    windowDays sampleSize people ruleVersion withheld
    competencies {
      competency summary weightedScore unweightedScore
      indicators { indicator label prevalence baseline delta present sampleSize }
    }
  }
  fluencyTrend(scope: $scope, windowDays: $windowDays, weeks: 12) {
    weekStart sampleSize
    competencies { competency weightedScore }
  }
}`);

export const fluencyTeamsQuery = operation(`query FluencyTeams { aiSpendByTeam { teamId team } }`);

type Answer = ResultOf<typeof fluencyQuery>;
export type Rollup = Answer["fluencyRollup"];
export type Week = Answer["fluencyTrend"][number];
