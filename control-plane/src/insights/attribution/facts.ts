import type { Allocation } from "../forecast/facts.ts";
import type { Employee, TeamNode } from "../../usage-queries/facts.ts";
import type { UsageWindow } from "../../usage-queries/window.ts";

/**
 * What is summed. List price and money are never added to each other: `listPrice` is what all calls would cost at list
 * price, `paid` the part of it that is paid by the call, and the two billed ones are what vendors charged, by the call or as
 * flat fees such as seats.
 */
export const measures = [
  "listPrice",
  "paid",
  "billedUsage",
  "billedFlat",
  "inputTokens",
  "outputTokens",
  "calls",
  "uncostedCalls",
  "estimatedCalls",
] as const;

export type Measures = Readonly<Record<(typeof measures)[number], bigint>>;

export const nothing: Measures = {
  listPrice: 0n,
  paid: 0n,
  billedUsage: 0n,
  billedFlat: 0n,
  inputTokens: 0n,
  outputTokens: 0n,
  calls: 0n,
  uncostedCalls: 0n,
  estimatedCalls: 0n,
};

/** Written out, because a year of a large organisation adds millions of them. */
export function addMeasures(a: Measures, b: Measures): Measures {
  return {
    listPrice: a.listPrice + b.listPrice,
    paid: a.paid + b.paid,
    billedUsage: a.billedUsage + b.billedUsage,
    billedFlat: a.billedFlat + b.billedFlat,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    calls: a.calls + b.calls,
    uncostedCalls: a.uncostedCalls + b.uncostedCalls,
    estimatedCalls: a.estimatedCalls + b.estimatedCalls,
  };
}

/** What somebody did with a model of a system, on a project that calls named. */
export interface ObservedCell extends Measures {
  readonly system: string;
  readonly subject: string;
  readonly model: string | null;
  /** Null where calls named no project, or none that the directory knows. */
  readonly projectId: string | null;
}

export interface BilledTotal {
  readonly system: string;
  /** Null where the bill names nobody. */
  readonly subject: string | null;
  /** Whether it is a flat fee. */
  readonly flat: boolean;
  readonly nanoUsd: bigint;
}

export interface SessionCount {
  readonly system: string;
  readonly subject: string;
  readonly projectId: string | null;
  readonly models: readonly string[];
  readonly sessions: number;
}

export interface KnownProject {
  readonly projectId: string;
  readonly name: string;
  readonly costCentre: string | null;
}

/** Who works where on these days. */
export interface PlaceFacts {
  readonly window: UsageWindow;
  readonly employees: readonly Employee[];
  readonly teams: readonly TeamNode[];
  readonly projects: readonly KnownProject[];
  readonly allocations: readonly Allocation[];
}

/** Subjects are the employees' own addresses, aliases resolved. */
export interface AttributionFacts extends PlaceFacts {
  readonly observed: readonly ObservedCell[];
  readonly billed: readonly BilledTotal[];
  readonly sessions: readonly SessionCount[];
}
