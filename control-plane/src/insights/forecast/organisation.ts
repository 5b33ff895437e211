/** The forecast of an organisation, from its people up: what each will spend, spread over projects and teams, summed exactly. */
import { setImmediate as breathe } from "node:timers/promises";
import { formatUsd, type NanoUsd } from "@flowstate/shared/money";
import { addDays, type Period, type UsageDate } from "@flowstate/shared/time";
import {
  backtest,
  byLastValue,
  byLength,
  meanMase,
  sinceFirst,
  type Backtest,
  type Predict,
} from "./backtest.ts";
import { conformalBands, defaultBands, leastSeries, scaleOf, type Bands } from "./bands.ts";
import { describeUse, gradeForecast, type ForecastConfidence } from "./confidence.ts";
import type { ForecastFacts } from "./facts.ts";
import { project, type ForecastMethod } from "./method.ts";
import { exactSums, nodeKey, organisation, type ExactSums, type Node } from "./nodes.ts";
import { monthsAhead, peopleOf, timelineOf, type PersonHistory, type Timeline } from "./people.ts";
import { createStaffing, type Staffing } from "./staffing.ts";

export interface ForecastPoint {
  readonly period: Period;
  readonly expected: bigint;
  readonly low80: bigint;
  readonly high80: bigint;
  readonly low95: bigint;
  readonly high95: bigint;
}

export interface MonthActual {
  readonly period: Period;
  readonly nanoUsd: bigint;
}

export interface NodeForecast extends Staffing {
  readonly node: Node;
  readonly rationale: string;
  readonly confidence: ForecastConfidence;
  /** The method behind most of the money. */
  readonly method: ForecastMethod;
  readonly actual30d: bigint;
  readonly backtestMase: number | null;
  /** Whole months, oldest first. */
  readonly actuals: readonly MonthActual[];
  /** The month of today as it will have been, then six months. */
  readonly points: readonly ForecastPoint[];
}

export interface OrganisationForecast {
  readonly today: UsageDate;
  readonly nodes: readonly NodeForecast[];
  readonly people: number;
  /** Share of past values within the bands, judged on nodes that did not shape them; null without a past. */
  readonly covered80: number | null;
  readonly covered95: number | null;
  /** Whether bands come from this organisation's own errors. */
  readonly ownBands: boolean;
}

/** It takes a second for thousands of people, and stops on the way so that others have their turn. */
export async function forecastOrganisation(facts: ForecastFacts): Promise<OrganisationForecast> {
  const timeline = timelineOf(facts);
  const people = await peopleOf(facts, timeline);
  await breathe();
  const actuals = sumActuals(facts, timeline, people);
  const numbers = new Map(
    actuals.nodes().map((node) => [nodeKey(node), { node, months: actuals.of(node).map(Number) }]),
  );
  await breathe();
  const { predict, results } = await choosePredict(people, numbers, timeline.months.length);
  const { expected, methods } = sumExpected(people, timeline, predict);
  await breathe();
  const recent = sumRecent(facts, timeline, people);
  const { bands, covered80, covered95 } = judgeBands(results, numbers);
  const staffing = createStaffing(facts);
  await breathe();
  const weeks = weeklySums(facts, timeline, people);
  const open = people[0]?.open ?? 0;
  const nodes = listNodes(facts, [actuals, expected, recent]).map((node): NodeForecast => {
    const key = nodeKey(node);
    const months = actuals.of(node);
    const known = sinceFirst(months.map(Number));
    const steps = expected.of(node);
    const history = [...known, Number(steps[0] ?? 0n)];
    const scale = scaleOf(history, project(history, 1).residuals);
    const own = bands ?? defaultBands(known.length);
    const actual30d = recent.of(node)[0] ?? 0n;
    const staff = staffing(node);
    const backtestMase = results.get(key)?.mase ?? null;
    const grounds = {
      today: facts.today,
      months: known.length,
      weeks: weeks.get(key) ?? [],
      allocatedUntil: staff.allocatedUntil,
      recentCost: actual30d > 0n,
      mase: backtestMase,
    };
    const method = commonest(methods.get(key));
    return {
      node,
      ...staff,
      confidence: gradeForecast(grounds),
      method,
      actual30d,
      backtestMase,
      rationale: [
        `${known.length} whole ${known.length === 1 ? "month" : "months"} of history`,
        `mostly by ${method}`,
        describeUse(grounds.weeks),
        staff.allocatedUntil === null ? null : `allocated until ${staff.allocatedUntil}`,
        `${formatUsd(actual30d as NanoUsd)} US dollars in the last 30 days`,
      ]
        .filter((part) => part !== null)
        .join("; "),
      actuals: timeline.months.map((period, index) => ({ period, nanoUsd: months[index] ?? 0n })),
      points: [timeline.current, ...timeline.ahead].map((period, step) =>
        pointOf(period, steps[step] ?? 0n, scale, own, step, open),
      ),
    };
  });
  return { today: facts.today, nodes, people: people.length, covered80, covered95, ownBands: bands !== null };
}

/** The methods by length of history, unless the past shows that to repeat the last month would have done better. */
async function choosePredict(
  people: readonly PersonHistory[],
  numbers: Parameters<typeof backtest>[1],
  months: number,
): Promise<{ readonly predict: Predict; readonly results: ReadonlyMap<string, Backtest> }> {
  const chosen = await backtest(people, numbers, months, byLength);
  const plain = await backtest(people, numbers, months, byLastValue);
  const worse = (meanMase(chosen) ?? 0) > (meanMase(plain) ?? 0);
  return worse ? { predict: byLastValue, results: plain } : { predict: byLength, results: chosen };
}

/** Whole months. What calls say of their project goes there; the rest by the person's shares. */
function sumActuals(facts: ForecastFacts, { months }: Timeline, people: readonly PersonHistory[]): ExactSums {
  const sums = exactSums(months.length);
  const indexOf = new Map(months.map((month, index) => [month, index]));
  const known = new Map(people.map((one) => [one.person.subject, one]));
  for (const { period, subject, projectId, nanoUsd } of facts.spends) {
    const index = indexOf.get(period);
    const person = known.get(subject);
    if (index !== undefined && person !== undefined) addSpend(sums, index, index, person, projectId, nanoUsd);
  }
  return sums;
}

function sumRecent(facts: ForecastFacts, { months }: Timeline, people: readonly PersonHistory[]): ExactSums {
  const sums = exactSums(1);
  const known = new Map(people.map((one) => [one.person.subject, one]));
  for (const { subject, projectId, nanoUsd } of facts.recent) {
    const person = known.get(subject);
    if (person !== undefined) addSpend(sums, 0, months.length, person, projectId, nanoUsd);
  }
  return sums;
}

function addSpend(
  sums: ExactSums,
  step: number,
  month: number,
  { projects, teams }: PersonHistory,
  projectId: string | null,
  nanoUsd: bigint,
): void {
  const named = projectId === null ? (projects[month] ?? []) : [{ id: projectId, weight: 1n }];
  sums.add(step, nanoUsd, named, teams[month] ?? []);
}

/** The current month and those ahead. Who has left spends nothing any more, but for what the current month already has. */
function sumExpected(people: readonly PersonHistory[], { months }: Timeline, predict: Predict) {
  const expected = exactSums(monthsAhead + 1);
  const methods = new Map<string, Map<ForecastMethod, number>>();
  for (const { person, history, current, projects, teams } of people) {
    const { ahead, method } = predict([...history, current], monthsAhead);
    const steps = [current, ...ahead.map((value) => (person.active ? value : 0))];
    for (const [step, value] of steps.entries()) {
      const month = months.length + step;
      const amount = BigInt(Math.round(Math.max(0, value)));
      expected.add(step, amount, projects[month] ?? [], teams[month] ?? []);
    }
    const places: Node[] = [
      organisation,
      ...(projects[months.length + 1] ?? []).map(({ id }): Node => ({ kind: "project", id })),
      ...(teams[months.length + 1] ?? []).map(({ id }): Node => ({ kind: "team", id })),
    ];
    for (const node of places) {
      const counts = methods.get(nodeKey(node)) ?? new Map<ForecastMethod, number>();
      counts.set(method, (counts.get(method) ?? 0) + (ahead[0] ?? 0));
      methods.set(nodeKey(node), counts);
    }
  }
  return { expected, methods };
}

/** Bands from the organisation's own errors where it has enough series; how well they hold, by halves of the series. */
function judgeBands(
  results: ReadonlyMap<string, Backtest>,
  numbers: ReadonlyMap<string, { readonly months: readonly number[] }>,
): { bands: Bands | null; covered80: number | null; covered95: number | null } {
  const series = [...results].filter(([, { scores }]) => scores.length > 0);
  const rowsOf = (half: 0 | 1) => series.filter((_, index) => index % 2 === half);
  const bandsOf = (rows: typeof series) =>
    rows.length < leastSeries
      ? null
      : conformalBands(
          rows.flatMap(([, { scores }]) => scores),
          monthsAhead,
        );
  const bands = bandsOf(series);
  const hits = ([0, 1] as const).flatMap((half) => {
    const other = bands === null ? null : (bandsOf(rowsOf(half === 0 ? 1 : 0)) ?? bands);
    return rowsOf(half).flatMap(([key, { scores }]) => {
      const own = other ?? defaultBands(sinceFirst(numbers.get(key)?.months ?? []).length);
      return scores.flatMap((row) =>
        row.map(
          (score, step) => [score <= (own.within80[step] ?? 0), score <= (own.within95[step] ?? 0)] as const,
        ),
      );
    });
  });
  const share = (count: number): number | null => (hits.length === 0 ? null : count / hits.length);
  return {
    bands,
    covered80: share(hits.filter(([within]) => within).length),
    covered95: share(hits.filter(([, within]) => within).length),
  };
}

const weeksOfUse = 13;

/** Spend of the last thirteen weeks, by node. */
function weeklySums(
  { days, today }: ForecastFacts,
  { months }: Timeline,
  people: readonly PersonHistory[],
): ReadonlyMap<string, readonly number[]> {
  const sums = exactSums(weeksOfUse);
  const starts = Array.from({ length: weeksOfUse }, (_, week) => addDays(today, -7 * (weeksOfUse - week)));
  for (const { person, projects, teams } of people) {
    const own = starts.map(() => 0n);
    for (const { day, nanoUsd } of days.get(person.subject) ?? []) {
      const week = day < today ? starts.findLastIndex((start) => start <= day) : -1;
      if (week >= 0) own[week] = (own[week] ?? 0n) + nanoUsd;
    }
    for (const [week, nanoUsd] of own.entries()) {
      if (nanoUsd > 0n) sums.add(week, nanoUsd, projects[months.length] ?? [], teams[months.length] ?? []);
    }
  }
  return new Map(sums.nodes().map((node) => [nodeKey(node), sums.of(node).map(Number)]));
}

/** Every project and team, whether it costs anything or not; what belongs to none only where there is such a thing. */
function listNodes({ projectIds, teamIds }: ForecastFacts, sums: readonly ExactSums[]): readonly Node[] {
  const listed: Node[] = [
    organisation,
    ...projectIds.map((id): Node => ({ kind: "project", id })),
    ...teamIds.map((id): Node => ({ kind: "team", id })),
  ];
  const seen = sums.flatMap((own) => own.nodes());
  return [...new Map([...listed, ...seen].map((node) => [nodeKey(node), node])).values()];
}

/** The band of the current month is that of one month ahead, as far as the month is still open. */
function pointOf(
  period: Period,
  expected: bigint,
  scale: number,
  { within80, within95 }: Bands,
  step: number,
  open: number,
): ForecastPoint {
  const width = (within: readonly number[]): bigint =>
    BigInt(Math.round(step === 0 ? (within[0] ?? 0) * scale * open : (within[step - 1] ?? 0) * scale));
  const low = (within: readonly number[]): bigint => {
    const bound = expected - width(within);
    return bound < 0n ? 0n : bound;
  };
  return {
    period,
    expected,
    low80: low(within80),
    high80: expected + width(within80),
    low95: low(within95),
    high95: expected + width(within95),
  };
}

function commonest(counts: ReadonlyMap<ForecastMethod, number> | undefined): ForecastMethod {
  const [first] = [...(counts ?? [])].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? "last value";
}
