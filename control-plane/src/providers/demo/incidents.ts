import type { ContentEvent } from "@flowstate/shared/wire/content";
import { dayMs, hourMs, type UsageDate } from "@flowstate/shared/time";
import { shippedPrices } from "@flowstate/shared/prices/book";
import { rate } from "@flowstate/shared/prices/rate";
import { tokens } from "@flowstate/shared/tokens";
import type { DemoCall } from "./activity.ts";
import { demoTools, type DemoCompany, type DemoPerson, type DemoTool } from "./company.ts";
import { randomFor, type Random } from "./random.ts";

type Finding = Pick<ContentEvent, "kind" | "rule" | "action" | "found">;

/** Something that content rules found on somebody's device. */
export interface DemoContent extends Finding {
  readonly person: DemoPerson;
  readonly at: number;
  readonly tool: DemoTool;
  readonly model: string;
}

export interface DemoIncidents {
  readonly calls: readonly DemoCall[];
  readonly contents: readonly DemoContent[];
}

/** Names of the policy's rules that content breaks: what is sent, and what is answered. */
export const contentRule = "Demo: nothing that must stay here";
export const answerRule = "Demo: no promises in our name";

/** What goes wrong in the demo company on a day beside its ordinary work; most days nothing. */
export function demoIncidents(company: DemoCompany, day: UsageDate): DemoIncidents {
  const number = Math.floor(Date.parse(day) / dayMs);
  const due = happenings.filter(({ every, on }) => number % every === on);
  return {
    calls: due.flatMap(({ calls }) => calls?.(incidentOf(company, day, number)) ?? []),
    contents: due.flatMap(({ contents }) => contents?.(incidentOf(company, day, number)) ?? []),
  };
}

interface Incident {
  readonly company: DemoCompany;
  readonly day: UsageDate;
  /** Of the day since 1970. */
  readonly number: number;
  readonly start: number;
  readonly random: Random;
  /** One of those who use Claude Code. */
  readonly person: DemoPerson;
}

interface Happening {
  readonly every: number;
  readonly on: number;
  readonly calls?: (incident: Incident) => readonly DemoCall[];
  readonly contents?: (incident: Incident) => readonly DemoContent[];
}

/** So often that any five weeks, which is how far back signals are looked for, hold each of them. */
const happenings: readonly Happening[] = [
  { every: 16, on: 3, calls: repeatingLoop },
  { every: 19, on: 7, calls: failingLoop },
  { every: 26, on: 5, calls: dearDay },
  { every: 18, on: 4, calls: uncachedSession },
  // Always a Saturday.
  { every: 28, on: 2, calls: weekendRepository },
  { every: 4, on: 1, contents: foundContent },
];

function incidentOf(company: DemoCompany, day: UsageDate, number: number): Incident {
  const random = randomFor(company.seed, "incident", day);
  const people = company.people.filter(({ tools }) => tools.includes(demoTools.claudeCode));
  const [first, ...others] = people;
  if (first === undefined) throw new RangeError("somebody of the demo uses Claude Code");
  return { company, day, number, start: Date.parse(day), random, person: random.pick([first, ...others]) };
}

interface Made {
  readonly name: string;
  readonly model: string;
  readonly count: number;
  readonly firstAt: number;
  readonly everyMs: number;
  readonly status?: number;
  readonly project?: string;
  readonly tokens: (random: Random) => {
    readonly input: number;
    readonly output: number;
    readonly cacheRead: number;
  };
}

/** Calls of one session, evenly spaced. */
function make({ company, day, random, person }: Incident, made: Made): readonly DemoCall[] {
  const tool = demoTools.claudeCode;
  const sessionId = `demo-${company.seed}-${person.id}-${day}-${made.name}`;
  return Array.from({ length: made.count }, (_, index): DemoCall => {
    const at = made.firstAt + index * made.everyMs;
    const counts = tokens({ ...made.tokens(random), cacheWrite5m: 0, cacheWrite1h: 0 });
    const price = shippedPrices().find(tool.provider, made.model, at);
    return {
      callId: `${sessionId}-${index}`,
      sessionId,
      person,
      tool,
      model: made.model,
      at,
      tokens: counts,
      costNanoUsd: price === null ? null : (rate(price, counts)?.costNanoUsd ?? null),
      durationMs: random.whole(900, 20_000),
      observed: true,
      status: made.status ?? 200,
      project: made.project ?? person.project.marker,
    };
  });
}

/** The same short answer, hundreds of times at night. */
function repeatingLoop(incident: Incident): readonly DemoCall[] {
  return make(incident, {
    name: "loop",
    model: "claude-haiku-4-5",
    count: 260,
    firstAt: incident.start + 2 * hourMs,
    everyMs: 12_000,
    tokens: (random) => ({ input: 1800, output: random.pick([118, 121]), cacheRead: 24_000 }),
  });
}

/** A script that does not give up. */
function failingLoop(incident: Incident): readonly DemoCall[] {
  return make(incident, {
    name: "retries",
    model: "claude-sonnet-5",
    count: 90,
    firstAt: incident.start + 3 * hourMs,
    everyMs: 30_000,
    status: 429,
    tokens: () => ({ input: 0, output: 0, cacheRead: 0 }),
  });
}

/** An afternoon with the dearest model that costs many times a usual day. */
function dearDay(incident: Incident): readonly DemoCall[] {
  return make(incident, {
    name: "migration",
    model: "claude-opus-5",
    count: 80,
    firstAt: incident.start + 12 * hourMs,
    everyMs: 120_000,
    tokens: (random) => ({
      input: random.whole(90_000, 180_000),
      output: random.whole(6000, 24_000),
      cacheRead: random.whole(200_000, 400_000),
    }),
  });
}

/** A whole document with each question, and no cache. */
function uncachedSession(incident: Incident): readonly DemoCall[] {
  return make(incident, {
    name: "document",
    model: "claude-sonnet-5",
    count: 14,
    firstAt: incident.start + 9 * hourMs,
    everyMs: 240_000,
    tokens: (random) => ({
      input: random.whole(180_000, 195_000),
      output: random.whole(200, 700),
      cacheRead: 0,
    }),
  });
}

/** A Saturday's work for somebody else, in a repository that is none of the company's. */
function weekendRepository(incident: Incident): readonly DemoCall[] {
  return make(incident, {
    name: "weekend",
    model: "claude-sonnet-5",
    count: 48,
    firstAt: incident.start + 10 * hourMs,
    everyMs: 300_000,
    project: "github.com/demo-side-project/recipes",
    tokens: (random) => ({
      input: random.whole(20_000, 60_000),
      output: random.whole(1500, 9000),
      cacheRead: random.whole(60_000, 300_000),
    }),
  });
}

const findings: readonly [Finding, ...Finding[]] = [
  { kind: "content", rule: contentRule, action: "WARN", found: { api_key: 1 } },
  { kind: "content", rule: contentRule, action: "WARN", found: { email_address: 3 } },
  { kind: "content", rule: contentRule, action: "WARN", found: { secret: 1 } },
  { kind: "answer", rule: answerRule, action: "OBSERVE", found: { phrase: 1 } },
  { kind: "content", rule: contentRule, action: "WARN", found: { email_address: 41, payment_card: 12 } },
  { kind: "content", rule: contentRule, action: "WARN", found: { phrase: 1 } },
];

function foundContent({ number, start, random, person }: Incident): readonly DemoContent[] {
  const finding = findings[Math.floor(number / 4) % findings.length] ?? findings[0];
  const at = start + random.whole(8 * 60, 17 * 60) * 60_000;
  const tool = demoTools.claudeCode;
  return [{ ...finding, person, at, tool, model: tool.models[0] }];
}
