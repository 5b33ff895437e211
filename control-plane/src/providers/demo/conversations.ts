import { must } from "@flowstate/shared/assert";
import { dayMs, type UsageDate } from "@flowstate/shared/time";
import {
  fluencyIndicators,
  type FluencyCount,
  type FluencyCounts,
  type FluencyEvent,
  type FluencyIndicator,
} from "@flowstate/shared/wire/fluency";
import { indicatorFacts, type Competency } from "../../insights/fluency/indicators.ts";
import type { DemoCall } from "./activity.ts";
import type { DemoCompany, DemoPerson } from "./company.ts";
import { randomFor, type Random } from "./random.ts";

/** What agents of this release call their rules. */
const ruleVersion = 2;

/** Tools whose session logs agents judge. */
const judged: ReadonlySet<string> = new Set(["claude-code", "codex-cli", "gemini-cli"]);

/** What each team is better at than others, so that teams can be told apart. */
const leaning: Readonly<Record<string, Partial<Record<Competency, number>>>> = {
  "demo-platform": { DELEGATION: 1.25, DESCRIPTION: 0.9 },
  "demo-product": { DESCRIPTION: 1.15, DISCERNMENT: 0.8 },
  "demo-research": { DISCERNMENT: 1.35, DELEGATION: 0.85 },
};

const afterAnAnswer: ReadonlySet<FluencyIndicator> = new Set([
  "iterates_and_refines",
  "questions_reasoning",
  "checks_facts",
]);
const beforeTheFirstEdit: ReadonlySet<FluencyIndicator> = new Set(["clarifies_goal", "consults_on_approach"]);

/** What the devices of the demo tell of the conversations of these calls, in the order of the calls. */
export function demoConversations(
  { seed }: DemoCompany,
  calls: readonly DemoCall[],
): readonly Omit<FluencyEvent, "seq">[] {
  const sessions = Map.groupBy(
    calls.filter(({ tool }) => judged.has(tool.tool)),
    ({ sessionId }) => sessionId,
  );
  return [...sessions].map(([sessionId, own]) => {
    const last = must(own.at(-1), "a group has a call");
    return {
      kind: "fluency",
      sessionId,
      tool: last.tool.tool,
      occurredAt: new Date(last.at).toISOString(),
      ruleVersion,
      revision: 1,
      indicators: countsOf(seed, last),
    };
  });
}

function countsOf(seed: number, { sessionId, person, at }: DemoCall): FluencyCounts {
  const random = randomFor(seed, "fluency", sessionId);
  const turns = random.whole(3, 12);
  const counts = fluencyIndicators.map((indicator): [FluencyIndicator, FluencyCount] => {
    const opportunities = opportunitiesOf(random, indicator, turns);
    const perTurn = 1 - (1 - chanceOf(seed, indicator, person, at)) ** (1 / opportunities);
    const observed = Array.from({ length: opportunities }, () => random.next()).filter(
      (drawn) => drawn < perTurn,
    ).length;
    return [indicator, { observed, opportunities }];
  });
  return Object.fromEntries(counts) as unknown as FluencyCounts;
}

function opportunitiesOf(random: Random, indicator: FluencyIndicator, turns: number): number {
  if (afterAnAnswer.has(indicator)) return turns - 1;
  return beforeTheFirstEdit.has(indicator) ? Math.min(turns, random.whole(1, 4)) : turns;
}

/** That a conversation shows it at least once: about the published baseline, by person, team and month. */
function chanceOf(seed: number, indicator: FluencyIndicator, { id, teamId }: DemoPerson, at: number): number {
  const { baseline, competency } = indicatorFacts[indicator];
  const habit = 0.6 + 0.8 * randomFor(seed, "habit", id, indicator).next();
  const months = (at - Date.UTC(2026, 0, 1)) / (30 * dayMs);
  const practice = Math.min(1.25, Math.max(0.5, 0.5 + 0.05 * months));
  return Math.min(0.95, baseline * habit * practice * (leaning[teamId]?.[competency] ?? 1));
}

/** How far back agents judge what they find. */
const judgedDays = 90;

/** Whether agents that were installed today would still judge conversations of that day. */
export function isJudged(day: UsageDate, now: number): boolean {
  return Date.parse(day) >= now - judgedDays * dayMs;
}
