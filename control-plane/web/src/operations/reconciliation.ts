import type { ResultOf, VariablesOf } from "gql.tada";
import { operation } from "../operation.ts";

const rowFields = operation(`fragment RowFields on ReconciliationRow {
  id provider service subject usageDate description totalCostUsd originalAmount originalCurrency status note deferredTo
  actions
  match {
    rule confidence billedUsd observedUsd deltaUsd ambiguous
    evidence { comparison outcome bits }
    shares { subject amountUsd }
  }
}`);

const summaryFields = operation(`fragment SummaryFields on ReconciliationSummary {
  billedUsd observedUsd writtenOffUsd residualUsd residualShare matchCoverage
  counts { status rows totalUsd }
  causes { cause amountUsd rows hint }
}`);

export const queueQuery = operation(
  `query Queue($period: Period, $status: [ReconciliationStatus!]) {
  aiSpendReconciliation(period: $period, status: $status, limit: 10000) { ...RowFields }
  aiSpendReconciliationSummary(period: $period) { ...SummaryFields }
  accountingPeriods { period closed changedBy }
}`,
  [rowFields, summaryFields],
);

export const closeMonth = operation(`mutation CloseMonth($period: Period!) { closePeriod(period: $period) }`);

export const reopenMonth = operation(`mutation ReopenMonth($period: Period!, $reason: String!) {
  reopenPeriod(period: $period, reason: $reason)
}`);

export const actNow = operation(
  `mutation Act(
  $id: ID!
  $action: ReconciliationAction!
  $note: String
  $expectedStatus: ReconciliationStatus
  $idempotencyKey: String
) {
  actOnReconciliationRow(
    id: $id
    action: $action
    note: $note
    expectedStatus: $expectedStatus
    idempotencyKey: $idempotencyKey
  ) { ...RowFields }
}`,
  [rowFields],
);

export const actOnMany =
  operation(`mutation ActOnMany($ids: [ID!]!, $action: ReconciliationAction!, $note: String) {
  actOnReconciliationRows(ids: $ids, action: $action, note: $note) { id error }
}`);

export const reopenNow = operation(
  `mutation Reopen($id: ID!) { reopenReconciliationRow(id: $id) { ...RowFields } }`,
  [rowFields],
);

type Queue = ResultOf<typeof queueQuery>;
export type Row = Queue["aiSpendReconciliation"][number];
export type Summary = Queue["aiSpendReconciliationSummary"];
/** A month that was closed at least once. */
export type AccountingPeriod = Queue["accountingPeriods"][number];
export type Status = Row["status"];
export type Action = VariablesOf<typeof actNow>["action"];
