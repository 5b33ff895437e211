import { unattributed, summariseSystems, spendByPerson } from "./answers.ts";
import type { UsageFacts } from "./facts.ts";

/** How far an answer can be trusted, so that nobody claims more than is known. */
export interface UsageCoverage {
  /** Systems whose spend is the vendor's bill, and those where it is only what observed calls cost. */
  readonly billedSystems: readonly string[];
  readonly observedSystems: readonly string[];
  readonly calls: bigint;
  /** Calls without a known price: the spend says nothing of them. */
  readonly uncostedCalls: bigint;
  readonly estimatedCalls: bigint;
  /** Nano-US-dollars billed for which no person is known. */
  readonly unattributedNanoUsd: bigint;
  /** Newest hour from which a device has reported, and the last time a vendor's bill was pulled. */
  readonly lastCallHour: number | null;
  readonly lastSyncAt: number | null;
}

export function coverageOf(facts: UsageFacts): UsageCoverage {
  const systems = summariseSystems(facts);
  const named = (basis: string) =>
    systems.filter((system) => system.basis === basis).map(({ system }) => system);
  const sum = (of: (use: UsageFacts["observed"][number]) => bigint) =>
    facts.observed.reduce((total, use) => total + of(use), 0n);
  return {
    billedSystems: named("BILLED"),
    observedSystems: named("OBSERVED"),
    calls: sum(({ calls }) => calls),
    uncostedCalls: sum(({ uncostedCalls }) => uncostedCalls),
    estimatedCalls: sum(({ estimatedCalls }) => estimatedCalls),
    unattributedNanoUsd: spendByPerson(facts)
      .filter(({ subject }) => subject === unattributed)
      .reduce((total, { spend }) => total + spend, 0n),
    lastCallHour: facts.lastCallHour,
    lastSyncAt: facts.lastSyncAt,
  };
}
