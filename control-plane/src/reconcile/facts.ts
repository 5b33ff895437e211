import type { NanoUsd } from "@flowstate/shared/money";
import type { UsageDate } from "@flowstate/shared/time";

/** A line of a bill that is paid by use, as the matcher sees it. */
export interface BillFact {
  readonly rowId: string;
  /** Provider slug, as calls carry it. */
  readonly provider: string;
  /** Null where the vendor names a key, a project or nobody. */
  readonly subject: string | null;
  /** Who used the key that a line names instead of a person, by the vendor's own count. */
  readonly keyUsers: readonly string[];
  readonly day: UsageDate;
  readonly model: string | null;
  readonly amount: NanoUsd;
  /** All tokens of the line; null where the vendor does not say. */
  readonly tokens: bigint | null;
}

/** What devices saw of one person, provider and model on one UTC day, at list prices. */
export interface ObservedFact {
  /** Provider, subject, day and model: no other fact has them. */
  readonly factId: string;
  readonly provider: string;
  readonly subject: string;
  readonly day: UsageDate;
  readonly model: string | null;
  readonly cost: NanoUsd;
  readonly tokens: bigint;
  /** Covered by a flat plan, so that its list price is nobody's bill. */
  readonly plan: boolean;
}

export type MatchRule = "exact" | "tolerant" | "one_to_many" | "many_to_one" | "many_to_many" | "shared_key";

/** One comparison's say in a match: log2 of how much likelier it makes it, in thousandths. */
export interface Evidence {
  readonly comparison: string;
  readonly outcome: string;
  readonly milliBits: number;
}

export interface Share {
  readonly rowId: string;
  readonly subject: string;
  readonly amount: NanoUsd;
}

/** Bill lines and observed facts that are held to be the same spend. */
export interface Match {
  readonly rowIds: readonly string[];
  readonly factIds: readonly string[];
  readonly rule: MatchRule;
  readonly billed: NanoUsd;
  readonly observed: NanoUsd;
  readonly evidence: readonly Evidence[];
  /** Another explanation is nearly as good: never accepted without a person. */
  readonly ambiguous: boolean;
  readonly outcome: "auto_matched" | "suggested";
  /** How lines that name nobody are split over people; sums to each line exactly. */
  readonly shares: readonly Share[];
}
