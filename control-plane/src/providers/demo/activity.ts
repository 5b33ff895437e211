import { dayMs, type UsageDate } from "@flowstate/shared/time";
import type { NanoUsd } from "@flowstate/shared/money";
import { shippedPrices } from "@flowstate/shared/prices/book";
import { rate } from "@flowstate/shared/prices/rate";
import { tokens, type TokenCounts } from "@flowstate/shared/tokens";
import type { DemoCompany, DemoPerson, DemoTool } from "./company.ts";
import { randomFor, type Random } from "./random.ts";

/** One AI call that somebody of the demo made. */
export interface DemoCall {
  readonly callId: string;
  readonly sessionId: string;
  readonly person: DemoPerson;
  readonly tool: DemoTool;
  readonly model: string;
  readonly at: number;
  readonly tokens: TokenCounts;
  /** At list price; null where the book knows none. */
  readonly costNanoUsd: NanoUsd | null;
  readonly durationMs: number;
  /** Whether a device reported it: some traffic bypasses every agent. */
  readonly observed: boolean;
  readonly status: number;
  /** The repository that it was made in. */
  readonly project: string;
}

/** Everybody's calls of one UTC day in the order of time. Follows from seed and day alone, so no later day changes it. */
export function demoCalls(company: DemoCompany, day: UsageDate): readonly DemoCall[] {
  return company.people
    .flatMap((person) => callsOf(company.seed, person, day))
    .sort((a, b) => a.at - b.at || (a.callId < b.callId ? -1 : 1));
}

function callsOf(seed: number, person: DemoPerson, day: UsageDate): readonly DemoCall[] {
  const random = randomFor(seed, person.id, day);
  const start = Date.parse(`${day}T00:00:00Z`);
  const isWeekend = [0, 6].includes(new Date(start).getUTCDay());
  if (random.next() > (isWeekend ? 0.06 : 0.85) || isAway(seed, person, start)) return [];
  const sessions = 1 + Math.floor(random.next() * 2.6 * person.pace * trend(start));
  return Array.from({ length: sessions }, (_, index) =>
    sessionOf(random, { seed, person, day, start, index }),
  ).flat();
}

/** A week's absence for one person in twenty. */
function isAway(seed: number, { id }: DemoPerson, start: number): boolean {
  return randomFor(seed, id, "away", Math.floor(start / (7 * dayMs))).next() < 0.05;
}

/** Use grows over the months, and not forever. */
function trend(start: number): number {
  const months = (start - Date.UTC(2026, 0, 1)) / (30 * dayMs);
  return Math.min(2, Math.max(0.5, 0.7 + months * 0.06));
}

interface SessionOf {
  readonly seed: number;
  readonly person: DemoPerson;
  readonly day: UsageDate;
  readonly start: number;
  readonly index: number;
}

function sessionOf(random: Random, { seed, person, day, start, index }: SessionOf): readonly DemoCall[] {
  const tool = random.pick(person.tools);
  const sessionId = `demo-${seed}-${person.id}-${day}-${index}`;
  const observed = random.next() > 0.03;
  let at = start + random.whole(7 * 60, 18 * 60) * 60_000;
  return Array.from({ length: random.whole(3, 8) }, (_, call): DemoCall => {
    at += random.whole(15, 240) * 1000;
    const model = random.pick(tool.models);
    const counts = countsOf(random, tool.provider);
    const price = shippedPrices().find(tool.provider, model, at);
    return {
      callId: `${sessionId}-${call}`,
      sessionId,
      person,
      tool,
      model,
      at,
      tokens: counts,
      costNanoUsd: price === null ? null : (rate(price, counts)?.costNanoUsd ?? null),
      durationMs: random.whole(900, 60_000),
      observed,
      status: 200,
      project: person.project.marker,
    };
  });
}

function countsOf(random: Random, provider: string): TokenCounts {
  const writesCache = provider === "anthropic" || provider === "cursor";
  return tokens({
    input: random.whole(1000, 25_000),
    output: random.whole(400, 9000),
    cacheRead: random.whole(20_000, 400_000),
    cacheWrite5m: writesCache ? random.whole(0, 40_000) : 0,
    cacheWrite1h: 0,
  });
}
