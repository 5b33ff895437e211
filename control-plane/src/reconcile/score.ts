import type { NanoUsd } from "@flowstate/shared/money";
import type { Evidence } from "./facts.ts";

/**
 * Additive weights after Fellegi and Sunter: the log2 of how much more often a comparison turns out so for the same
 * spend than by chance. The prior is the chance that two facts of one provider within two days belong together.
 */
const priorMilliBits = -8000;

const subjectWeights = { same: 8000, "users of the key": 5000, unnamed: 0 } as const;
const dayWeights = [4000, 0, -3000] as const;
const modelWeights = { same: 3000, unknown: 0, several: 0, other: -2000 } as const;

export interface Comparison {
  readonly subject: keyof typeof subjectWeights;
  readonly model: keyof typeof modelWeights;
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
    { comparison: "prior", outcome: "same provider", milliBits: priorMilliBits },
    { comparison: "person", outcome: subject, milliBits: subjectWeights[subject] },
    { comparison: "day", outcome: `${daysApart} apart`, milliBits: dayWeights[daysApart] ?? -9000 },
    { comparison: "model", outcome: model, milliBits: modelWeights[model] },
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
  const [outcome, milliBits] = withinTolerance(billed, observed)
    ? (["equal within tolerance", 6000] as const)
    : within(1n)
      ? (["within 1 %", 4000] as const)
      : within(5n)
        ? (["within 5 %", 2000] as const)
        : within(20n)
          ? (["within 20 %", 0] as const)
          : within(50n)
            ? (["within 50 %", -3000] as const)
            : (["further apart", -9000] as const);
  return { comparison: "amount", outcome, milliBits };
}

/** The same tokens are the same use, whatever was charged for them. */
function tokenEvidence(billed: bigint, observed: bigint): Evidence {
  const difference = abs(billed - observed);
  const whole = billed > observed ? billed : observed;
  const [outcome, milliBits] =
    difference * 1000n <= whole
      ? (["the same", 6000] as const)
      : difference * 100n <= whole
        ? (["within 1 %", 3000] as const)
        : difference * 20n <= whole
          ? (["within 5 %", 0] as const)
          : (["further apart", -2000] as const);
  return { comparison: "tokens", outcome, milliBits };
}
