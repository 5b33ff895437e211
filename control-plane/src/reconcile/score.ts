import type { NanoUsd } from "@flowstate/shared/money";
import type { Evidence } from "./facts.ts";

/**
 * Additive weights after Fellegi and Sunter: the log2 of how much more often a comparison turns out so for the same
 * spend than by chance. The prior is the chance that two facts of one provider within two days belong together.
 */
const prior: Evidence = { comparison: "prior", outcome: "same provider", milliBits: -8000 };
const subjectEvidence = outcomes("person", { same: 8000, "users of the key": 5000, unnamed: 0 });
const modelEvidence = outcomes("model", { same: 3000, unknown: 0, several: 0, other: -2000 });
const [sameDay, nextDay, twoDays, tooFar] = [
  { comparison: "day", outcome: "0 apart", milliBits: 4000 },
  { comparison: "day", outcome: "1 apart", milliBits: 0 },
  { comparison: "day", outcome: "2 apart", milliBits: -3000 },
  { comparison: "day", outcome: "further apart", milliBits: -9000 },
] as const;
const dayEvidence: readonly Evidence[] = [sameDay, nextDay, twoDays];
const amountEvidences = outcomes("amount", {
  "equal within tolerance": 6000,
  "within 1 %": 4000,
  "within 5 %": 2000,
  "within 20 %": 0,
  "within 50 %": -3000,
  "further apart": -9000,
});
const tokenEvidences = outcomes("tokens", {
  "the same": 6000,
  "within 1 %": 3000,
  "within 5 %": 0,
  "further apart": -2000,
});

/** One object for each outcome: a month has a hundred thousand matches. */
function outcomes<K extends string>(
  comparison: string,
  weights: Readonly<Record<K, number>>,
): Readonly<Record<K, Evidence>> {
  const all = Object.entries<number>(weights).map(([outcome, milliBits]) => [
    outcome,
    { comparison, outcome, milliBits },
  ]);
  return Object.fromEntries(all) as Record<K, Evidence>;
}

export interface Comparison {
  readonly subject: keyof typeof subjectEvidence;
  readonly model: keyof typeof modelEvidence;
  /** Days between bill and observation, 0 to 2. */
  readonly daysApart: number;
  readonly billed: NanoUsd;
  readonly observed: NanoUsd;
  /** Null where the bill does not say its tokens. */
  readonly billedTokens: bigint | null;
  readonly observedTokens: bigint;
}

/** Every comparison's weight; their sum is the match's score. */
export function weigh(comparison: Comparison): readonly Evidence[] {
  const { subject, model, daysApart, billed, observed, billedTokens, observedTokens } = comparison;
  return [
    prior,
    subjectEvidence[subject],
    dayEvidence[daysApart] ?? tooFar,
    modelEvidence[model],
    amountEvidence(billed, observed),
    ...(billedTokens === null ? [] : [tokenEvidence(billedTokens, observedTokens)]),
  ];
}

export function scoreOf(evidence: readonly Evidence[]): number {
  return evidence.reduce((sum, { milliBits }) => sum + milliBits, 0);
}

/** The probability of that score, in millionths, for show; gates compare scores. */
export function confidencePpm(milliBits: number): number {
  return Math.round(1e6 / (1 + 2 ** (-milliBits / 1000)));
}

/** A probability of 0.95 and of 0.60. */
export const autoMilliBits = 4248;
export const suggestMilliBits = 585;
/** The next best explanation must be so much weaker. */
export const clearMilliBits = 4000;

/** One cent, or half a percent of a larger bill: rounding and late cents. */
export function withinTolerance(billed: NanoUsd, observed: NanoUsd): boolean {
  const difference = abs(billed - observed);
  const share = abs(billed) / 200n;
  return difference <= (share > cent ? share : cent);
}

export const cent = 10_000_000n;

export function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function amountEvidence(billed: NanoUsd, observed: NanoUsd): Evidence {
  const difference = abs(billed - observed);
  const whole = abs(billed) > abs(observed) ? abs(billed) : abs(observed);
  const within = (percent: bigint): boolean => difference * 100n <= whole * percent;
  if (withinTolerance(billed, observed)) return amountEvidences["equal within tolerance"];
  if (within(1n)) return amountEvidences["within 1 %"];
  if (within(5n)) return amountEvidences["within 5 %"];
  if (within(20n)) return amountEvidences["within 20 %"];
  return within(50n) ? amountEvidences["within 50 %"] : amountEvidences["further apart"];
}

/** The same tokens are the same use, whatever was charged for them. */
function tokenEvidence(billed: bigint, observed: bigint): Evidence {
  const difference = abs(billed - observed);
  const whole = billed > observed ? billed : observed;
  if (difference * 1000n <= whole) return tokenEvidences["the same"];
  if (difference * 100n <= whole) return tokenEvidences["within 1 %"];
  return difference * 20n <= whole ? tokenEvidences["within 5 %"] : tokenEvidences["further apart"];
}
