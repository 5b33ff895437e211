import { operation } from "../operation.ts";

export const spendQuery = operation(`query Spend($startDate: Date, $endDate: Date) {
  aiUsageSummary(startDate: $startDate, endDate: $endDate) { system spendUsd basis totalTokens seats }
  aiSpendByTeam(startDate: $startDate, endDate: $endDate) {
    teamId team costCentre headcount activeUsers adoptionRate spendUsd
  }
  aiSpendByPerson(startDate: $startDate, endDate: $endDate) {
    subject name system primaryTeam spendUsd totalTokens
  }
}`);
