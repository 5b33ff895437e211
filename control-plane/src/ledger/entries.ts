import type { NanoUsd } from "@flowstate/shared/money";
import type { Status } from "../reconcile/status.ts";

export type JournalKind = "confirmation" | "write_off" | "deferral" | "reversal" | "adjustment";

/** Whose spend it is; null where nobody knows. */
export interface Dimensions {
  readonly subject: string | null;
  readonly project: string | null;
  readonly team: string | null;
  readonly costCentre: string | null;
}

/** Debits are positive, credits negative. */
export interface Entry extends Dimensions {
  readonly account: string;
  readonly amount: NanoUsd;
}

export interface Part extends Dimensions {
  readonly amount: NanoUsd;
}

/** Colons make the tree that hledger and Beancount read. */
export const accounts = {
  expense: (service: string) => `Expenses:AI:${word(service)}`,
  variance: "Expenses:Variance:Written-Off",
  suspense: "Assets:Suspense:Deferred",
  payable: (kind: string, service: string) =>
    `Liabilities:Payable:${word(kind === "CSV_IMPORT" ? service : kind)}`,
} as const;

const nobody: Dimensions = { subject: null, project: null, team: null, costCentre: null };

/**
 * What the ledger must say of a row that stands so: its amount under expenses, variance or suspense, against what is
 * owed to the provider. A row that nobody has decided has no entries. The entries sum to zero.
 */
export function targetOf(
  status: Status,
  row: { readonly kind: string; readonly service: string; readonly amount: NanoUsd },
  parts: readonly Part[],
): readonly Entry[] {
  const { kind, service, amount } = row;
  const owed: Entry = { account: accounts.payable(kind, service), ...nobody, amount: -amount as NanoUsd };
  switch (status) {
    case "confirmed":
      return [...parts.map((part) => ({ account: accounts.expense(service), ...part })), owed];
    case "written_off":
      return [{ account: accounts.variance, ...nobody, amount }, owed];
    case "deferred":
      return [{ account: accounts.suspense, ...nobody, amount }, owed];
    case "unreconciled":
    case "suggested":
    case "auto_matched":
      return [];
  }
}

/** The entries that lead from what is posted to the target; none where they agree. */
export function entriesBetween(posted: readonly Entry[], target: readonly Entry[]): readonly Entry[] {
  const sums = new Map<string, Entry>();
  const add = (entry: Entry, sign: 1n | -1n): void => {
    const key = JSON.stringify([entry.account, entry.subject, entry.project, entry.team, entry.costCentre]);
    const amount = ((sums.get(key)?.amount ?? 0n) + sign * entry.amount) as NanoUsd;
    sums.set(key, { ...entry, amount });
  };
  for (const entry of target) add(entry, 1n);
  for (const entry of posted) add(entry, -1n);
  return [...sums.values()].filter(({ amount }) => amount !== 0n);
}

/** `github-copilot` as `Github-Copilot`: account names begin with a capital and hold letters, digits and hyphens. */
function word(name: string): string {
  return name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== "")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("-");
}
