import type { NanoUsd } from "@flowstate/shared/money";
import type { PriceBook } from "@flowstate/shared/prices/book";
import { causeHints, explainResidual, type BilledLine, type Cause, type ObservedUsage } from "./causes.ts";
import { abs } from "./score.ts";
import { statuses, type Status } from "./status.ts";

interface Tally {
  readonly rows: number;
  readonly amount: bigint;
}

/**
 * A month's sums. They are additive: the figures of two sets of whole matches add up to those of both together, so
 * that a change in one match changes the month's by its own before and after.
 */
export interface Figures {
  readonly observed: bigint;
  /** Billed amount that has a match, confirmed ones included. */
  readonly matched: bigint;
  /** Sum of what each match is apart, regardless of direction, and of every line and use without one. */
  readonly grossVariance: bigint;
  readonly counts: Readonly<Record<Status, Tally>>;
  readonly causes: Readonly<Record<Cause, Tally>>;
}

const causes = Object.keys(causeHints) as Cause[];
const none: Tally = { rows: 0, amount: 0n };

export function figuresOf(
  lines: readonly BilledLine[],
  seen: readonly ObservedUsage[],
  prices: PriceBook,
): Figures {
  const explained = new Map(explainResidual(lines, seen, prices).map((part) => [part.cause, part]));
  const byStatus = Map.groupBy(lines, ({ status }) => status);
  return {
    observed: sum(seen, ({ cost }) => cost),
    matched: sum(lines, ({ matchId, amount }) => (matchId === null ? 0n : amount)),
    grossVariance: grossVariance(lines, seen),
    counts: tallies(statuses, (status) => {
      const own = byStatus.get(status) ?? [];
      return { rows: own.length, amount: sum(own, ({ amount }) => amount) };
    }),
    causes: tallies(causes, (cause) => explained.get(cause) ?? none),
  };
}

/** `all`, after what was `before` has become `after`. */
export function exchange(all: Figures, before: Figures, after: Figures): Figures {
  const number = (of: (figures: Figures) => bigint): bigint => of(all) - of(before) + of(after);
  const tally = (of: (figures: Figures) => Tally): Tally => ({
    rows: of(all).rows - of(before).rows + of(after).rows,
    amount: number((figures) => of(figures).amount),
  });
  return {
    observed: number(({ observed }) => observed),
    matched: number(({ matched }) => matched),
    grossVariance: number((figures) => figures.grossVariance),
    counts: tallies(statuses, (status) => tally(({ counts }) => counts[status])),
    causes: tallies(causes, (cause) => tally((figures) => figures.causes[cause])),
  };
}

/** As text for the database: every amount in decimal nano-dollars. */
export function printFigures(figures: Figures): string {
  return JSON.stringify(figures, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

export function readFigures(text: string): Figures {
  const stored = JSON.parse(text) as Stored;
  const read = <K extends string>(names: readonly K[], given: Stored["counts"]): Record<K, Tally> =>
    tallies(names, (name) => {
      const tally = given[name];
      return tally === undefined ? none : { rows: tally.rows, amount: BigInt(tally.amount) };
    });
  return {
    observed: BigInt(stored.observed),
    matched: BigInt(stored.matched),
    grossVariance: BigInt(stored.grossVariance),
    counts: read(statuses, stored.counts),
    causes: read(causes, stored.causes),
  };
}

interface Stored {
  readonly observed: string;
  readonly matched: string;
  readonly grossVariance: string;
  readonly counts: Readonly<Record<string, { readonly rows: number; readonly amount: string } | undefined>>;
  readonly causes: Stored["counts"];
}

function grossVariance(lines: readonly BilledLine[], seen: readonly ObservedUsage[]): bigint {
  const apart = new Map<string, bigint>();
  let gross = 0n;
  const add = (matchId: string | null, amount: bigint): void => {
    if (matchId === null) gross += abs(amount);
    else apart.set(matchId, (apart.get(matchId) ?? 0n) + amount);
  };
  for (const { matchId, amount } of lines) add(matchId, amount);
  for (const { matchId, cost } of seen) add(matchId, -cost);
  for (const difference of apart.values()) gross += abs(difference);
  return gross;
}

function tallies<K extends string>(names: readonly K[], of: (name: K) => Tally): Record<K, Tally> {
  const all = names.map((name) => {
    const { rows, amount } = of(name);
    return [name, { rows, amount }];
  });
  return Object.fromEntries(all) as Record<K, Tally>;
}

function sum<T>(items: readonly T[], of: (item: T) => bigint): bigint {
  return items.reduce((total, item) => total + of(item), 0n);
}

/** Billed in all, whatever its status. */
export function billedOf({ counts }: Figures): NanoUsd {
  return sum(Object.values(counts), ({ amount }) => amount) as NanoUsd;
}
