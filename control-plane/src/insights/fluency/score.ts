import { fluencyIndicators, type FluencyIndicator } from "@flowstate/shared/wire/fluency";
import { competencies, indicatorFacts, type Competency } from "./indicators.ts";

/** Of how many conversations an indicator could show in (`sample`) and in how many it did (`present`). */
export interface Share {
  readonly present: number;
  readonly sample: number;
}

export type Shares = Readonly<Record<FluencyIndicator, Share>>;

/** What the conversations of one person show, by rules of one version. */
export interface PersonFluency {
  /** The employee's own address, or one that the directory does not know. */
  readonly person: string;
  readonly ruleVersion: number;
  readonly conversations: number;
  readonly shares: Shares;
}

export interface IndicatorScore {
  readonly indicator: FluencyIndicator;
  /** From 0 to 1; null where the sample is too small. */
  readonly prevalence: number | null;
  readonly baseline: number;
  readonly delta: number | null;
  readonly present: number;
  readonly sampleSize: number;
}

export interface CompetencyScore {
  readonly competency: Competency;
  /** Mean of the indicators, each weighing as much as it is rare; null where one of them is unknown. */
  readonly weightedScore: number | null;
  readonly unweightedScore: number | null;
  readonly summary: string;
  readonly indicators: readonly IndicatorScore[];
}

/** Why nothing is shown. */
export type Withheld = "TOO_FEW_PEOPLE" | "NO_CONVERSATIONS";

export interface FluencyScores {
  readonly withheld: Withheld | null;
  /** Version of the rules that judged; null where nothing was. */
  readonly ruleVersion: number | null;
  readonly people: number | null;
  readonly sampleSize: number;
  readonly competencies: readonly CompetencyScore[];
}

/** A prevalence of fewer conversations could be off by more than 22 points either way, 19 times in 20. */
export const fewestConversations = 20;
/** Of a team or the organisation; of fewer, what one person does could be guessed. */
export const fewestPeople = 5;

const none: Shares = Object.fromEntries(
  fluencyIndicators.map((name) => [name, { present: 0, sample: 0 }]),
) as unknown as Shares;

/** The version that judged most of the conversations, the newer of two alike; null without any. */
export function prevailingVersion(everybody: readonly PersonFluency[]): number | null {
  const versions = Map.groupBy(everybody, ({ ruleVersion }) => ruleVersion);
  const [first] = [...versions]
    .map(([version, own]) => ({ version, size: sum(own.map(({ conversations }) => conversations)) }))
    .sort((a, b) => b.size - a.size || b.version - a.version);
  return first?.version ?? null;
}

/** Adds up what people show: every share of the whole is the sum of theirs. */
export function addShares(people: readonly Pick<PersonFluency, "shares">[]): Shares {
  return Object.fromEntries(
    fluencyIndicators.map((name) => [
      name,
      {
        present: sum(people.map(({ shares }) => shares[name].present)),
        sample: sum(people.map(({ shares }) => shares[name].sample)),
      },
    ]),
  ) as unknown as Shares;
}

/**
 * Scores of those of `everybody` who belong, by the rules that judged most of the organisation. Of fewer people than
 * `leastPeople` nothing is told, not even how many there are.
 */
export function scoreFluency(
  everybody: readonly PersonFluency[],
  belongs: (person: string) => boolean,
  leastPeople: number,
): FluencyScores {
  const ruleVersion = prevailingVersion(everybody);
  const own = everybody.filter((one) => one.ruleVersion === ruleVersion && belongs(one.person));
  const people = new Set(own.map(({ person }) => person)).size;
  const sampleSize = sum(own.map(({ conversations }) => conversations));
  const withheld = people > 0 && people < leastPeople ? "TOO_FEW_PEOPLE" : null;
  if (withheld !== null) {
    return { withheld, ruleVersion, people: null, sampleSize: 0, competencies: scoreCompetencies(none) };
  }
  return {
    withheld: sampleSize === 0 ? "NO_CONVERSATIONS" : null,
    ruleVersion: sampleSize === 0 ? null : ruleVersion,
    people,
    sampleSize,
    competencies: scoreCompetencies(addShares(own)),
  };
}

function scoreCompetencies(shares: Shares): readonly CompetencyScore[] {
  return competencies.map((competency): CompetencyScore => {
    const indicators = fluencyIndicators
      .filter((name) => indicatorFacts[name].competency === competency)
      .map((name) => scoreIndicator(name, shares[name]));
    const known = indicators.flatMap(({ indicator, prevalence }) =>
      prevalence === null ? [] : [{ prevalence, weight: 1 - indicatorFacts[indicator].baseline }],
    );
    const complete = known.length > 0 && known.length === indicators.length;
    const weights = sum(known.map(({ weight }) => weight));
    return {
      competency,
      weightedScore: complete
        ? sum(known.map(({ prevalence, weight }) => prevalence * weight)) / weights
        : null,
      unweightedScore: complete ? sum(known.map(({ prevalence }) => prevalence)) / known.length : null,
      summary: summarise(competency, indicators),
      indicators,
    };
  });
}

function scoreIndicator(indicator: FluencyIndicator, { present, sample }: Share): IndicatorScore {
  const { baseline } = indicatorFacts[indicator];
  const prevalence = sample < fewestConversations ? null : present / sample;
  const delta = prevalence === null ? null : prevalence - baseline;
  return { indicator, prevalence, baseline, delta, present, sampleSize: sample };
}

/** One line on a competency: what stands out, by distance from the baseline. */
function summarise(competency: Competency, indicators: readonly IndicatorScore[]): string {
  if (competency === "DILIGENCE") return "Shown outside conversations, and therefore never scored.";
  const known = indicators
    .flatMap(({ indicator, delta }) => (delta === null ? [] : [{ indicator, delta }]))
    .sort((a, b) => b.delta - a.delta);
  const [best] = known;
  const worst = known.at(-1);
  if (best === undefined || worst === undefined)
    return `Fewer than ${fewestConversations} conversations to judge by.`;
  const said = [best, ...(worst === best ? [] : [worst])].map(
    ({ indicator, delta }) => `${indicatorFacts[indicator].label} ${pointsOf(delta)}`,
  );
  return `${said.join("; ")}.`;
}

function pointsOf(delta: number): string {
  const points = Math.round(Math.abs(delta) * 100);
  if (points === 0) return "as the baseline";
  return `${points} ${points === 1 ? "point" : "points"} ${delta > 0 ? "above" : "below"} the baseline`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
