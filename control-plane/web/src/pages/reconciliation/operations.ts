import { operation } from "../../api.ts";

export type Status = "UNRECONCILED" | "SUGGESTED" | "AUTO_MATCHED" | "CONFIRMED" | "WRITTEN_OFF" | "DEFERRED";
export type Action = "CONFIRM" | "WRITE_OFF" | "DEFER";

export const statuses: readonly Status[] = [
  "UNRECONCILED",
  "SUGGESTED",
  "AUTO_MATCHED",
  "CONFIRMED",
  "WRITTEN_OFF",
  "DEFERRED",
];

interface Match {
  readonly rule: string;
  readonly confidence: number;
  readonly billedUsd: string;
  readonly observedUsd: string;
  readonly deltaUsd: string;
  readonly ambiguous: boolean;
  readonly evidence: readonly {
    readonly comparison: string;
    readonly outcome: string;
    readonly bits: number;
  }[];
  readonly shares: readonly { readonly subject: string; readonly amountUsd: string }[];
}

export interface Row {
  readonly id: string;
  readonly provider: string;
  readonly service: string;
  readonly subject: string | null;
  readonly usageDate: string;
  readonly description: string;
  readonly totalCostUsd: string;
  readonly originalAmount: string | null;
  readonly originalCurrency: string | null;
  readonly status: Status;
  readonly note: string | null;
  readonly deferredTo: string | null;
  readonly actions: readonly Action[];
  readonly match: Match | null;
}

export interface Summary {
  readonly billedUsd: string;
  readonly observedUsd: string;
  readonly writtenOffUsd: string;
  readonly residualUsd: string;
  readonly residualShare: number;
  readonly matchCoverage: number;
  readonly counts: readonly { readonly status: Status; readonly rows: number; readonly totalUsd: string }[];
  readonly causes: readonly {
    readonly cause: string;
    readonly amountUsd: string;
    readonly rows: number;
    readonly hint: string;
  }[];
}

const rowFields = `
  id provider service subject usageDate description totalCostUsd originalAmount originalCurrency status note deferredTo
  actions
  match {
    rule confidence billedUsd observedUsd deltaUsd ambiguous
    evidence { comparison outcome bits }
    shares { subject amountUsd }
  }
`;
const summaryFields = `
  billedUsd observedUsd writtenOffUsd residualUsd residualShare matchCoverage
  counts { status rows totalUsd }
  causes { cause amountUsd rows hint }
`;

/** A month that was closed at least once. */
export interface AccountingPeriod {
  readonly period: string;
  readonly closed: boolean;
  readonly changedBy: string;
}

export const queueQuery = operation<
  {
    readonly aiSpendReconciliation: readonly Row[];
    readonly aiSpendReconciliationSummary: Summary;
    readonly accountingPeriods: readonly AccountingPeriod[];
  },
  { readonly period: string; readonly status: readonly Status[] | null }
>(`query Queue($period: Period, $status: [ReconciliationStatus!]) {
  aiSpendReconciliation(period: $period, status: $status, limit: 10000) {${rowFields}}
  aiSpendReconciliationSummary(period: $period) {${summaryFields}}
  accountingPeriods { period closed changedBy }
}`);

export const closeMonth = operation<{ readonly closePeriod: boolean }, { readonly period: string }>(
  "mutation CloseMonth($period: Period!) { closePeriod(period: $period) }",
);

export const reopenMonth = operation<
  { readonly reopenPeriod: boolean },
  { readonly period: string; readonly reason: string }
>(
  "mutation ReopenMonth($period: Period!, $reason: String!) { reopenPeriod(period: $period, reason: $reason) }",
);

export const actNow = operation<
  { readonly actOnReconciliationRow: Row },
  {
    readonly id: string;
    readonly action: Action;
    readonly note: string | null;
    readonly expectedStatus: Status;
    readonly idempotencyKey: string;
  }
>(`mutation Act(
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
  ) {${rowFields}}
}`);

export const actOnMany = operation<
  {
    readonly actOnReconciliationRows: readonly { readonly id: string; readonly error: string | null }[];
  },
  { readonly ids: readonly string[]; readonly action: Action; readonly note: string | null }
>(`mutation ActOnMany($ids: [ID!]!, $action: ReconciliationAction!, $note: String) {
  actOnReconciliationRows(ids: $ids, action: $action, note: $note) { id error }
}`);

export const reopenNow = operation<{ readonly reopenReconciliationRow: Row }, { readonly id: string }>(
  `mutation Reopen($id: ID!) {
  reopenReconciliationRow(id: $id) {${rowFields}}
}`,
);
