/**
 * Six weeks of an organisation as they truly were: ordinary work with its noise, incidents of every type, and what
 * only looks like one. It knows nothing of the detectors: what people do and what goes wrong are its own.
 */
import { randomFor, uuidFor, type Random } from "../../src/providers/demo/random.ts";
import { dateOf, dayMs, hourMs } from "@flowstate/shared/time";

export interface MadeCall {
  readonly at: number;
  readonly subject: string;
  readonly device: string;
  readonly session: string;
  readonly tool: string;
  readonly provider: string;
  readonly model: string;
  readonly project: string | null;
  readonly input: number;
  /** Null where the tool says nothing of a cache. */
  readonly cacheRead: number | null;
  readonly output: number;
  readonly costUsd: number;
  readonly status: number;
  readonly durationMs: number;
  readonly billing: "metered" | "plan" | "byok";
}

export interface MadeTunnels {
  readonly at: number;
  readonly subject: string;
  readonly host: string;
  readonly tunnels: number;
  readonly mismatches: number;
}

export interface MadeForecast {
  readonly kind: "organisation" | "project" | "team";
  readonly id: string;
  /** US dollars for the current month: as forecast before it, and as it is expected now. */
  readonly before: { readonly expected: number; readonly high95: number };
  readonly now: { readonly expected: number; readonly low95: number };
}

export interface MadePerson {
  readonly email: string;
  readonly leftAt: number | null;
  readonly alias: string | null;
}

export interface MadeAccount {
  readonly subject: string;
  readonly environment: "production" | "development";
  readonly abuseDetection: boolean;
}

/** Type, and what it is about: a person, a service, a host, a device, a node of the forecast. */
export type Truth = `${string} ${string}`;

export interface MadeOrganisation {
  readonly people: readonly MadePerson[];
  readonly accounts: readonly MadeAccount[];
  readonly markers: readonly string[];
  readonly calls: readonly MadeCall[];
  readonly tunnels: readonly MadeTunnels[];
  readonly refusals: Readonly<Record<string, number>>;
  /** Sequence numbers that came, by device. */
  readonly received: ReadonlyMap<string, string>;
  /** Connected 60 days ago. */
  readonly connected: readonly ("ANTHROPIC" | "OPENAI" | "CURSOR")[];
  readonly forecasts: readonly MadeForecast[];
  readonly truth: ReadonlySet<Truth>;
}

/** Days of ordinary work before now. */
export const madeDays = 42;

type Tool = Pick<MadeCall, "tool" | "provider" | "model">;

const slowed: Tool = { tool: "gemini-cli", provider: "google", model: "gemini-3-pro" };
const tools: [Tool, ...Tool[]] = [
  { tool: "claude-code", provider: "anthropic", model: "claude-sonnet-4-5" },
  { tool: "codex-cli", provider: "openai", model: "gpt-5.5" },
  slowed,
];

interface Person {
  readonly email: string;
  readonly random: Random;
  readonly tool: Tool;
  /** Dollars of an ordinary day, and how much days differ (of the logarithm). */
  readonly usualUsd: number;
  readonly spread: number;
  readonly device: string;
  readonly project: string;
}

/** The incidents are spread over the people in turn, so it takes at least 24 of them. */
export function makeOrganisation(seed: number, people: number, now: number): MadeOrganisation {
  const staff = Array.from({ length: people }, (_, index) => makePerson(seed, index));
  const calls = staff.flatMap((person) => ordinaryWork(person, now));
  const truth = new Set<Truth>();
  const made = {
    calls,
    tunnels: [] as MadeTunnels[],
    received: new Map<string, string>(),
    leavers: new Map<string, number>(),
    aliases: new Map<string, string>(),
  };
  const at = (index: number): Person => staff[index % staff.length] ?? makePerson(seed, index);
  const yes = (type: string, about: string): void => void truth.add(`${type} ${about}`);
  const day = (ago: number): number => Math.floor(now / dayMs) * dayMs - ago * dayMs;
  const add = (given: Partial<MadeCall> & Pick<MadeCall, "at">, person: Person): void =>
    void calls.push({ ...plainCall(person), ...given });
  const many = (
    count: number,
    person: Person,
    given: (index: number) => Partial<MadeCall> & { at: number },
  ) => {
    for (let index = 0; index < count; index += 1) add(given(index), person);
  };

  const chance = randomFor(seed, "incidents");

  // Money: from a bad day to a disaster.
  for (const index of [0, 1]) {
    add({ at: day(1) + 15 * hourMs, costUsd: 25 + at(index).usualUsd * chance.whole(6, 40) }, at(index));
    yes("spend_spike", at(index).email);
  }
  add({ at: day(2) + 15 * hourMs, costUsd: at(2).usualUsd * 1.5 }, at(2));
  const newcomer: Person = {
    ...at(people),
    email: `newcomer${seed}@example.com`,
    device: uuidFor(seed, "new"),
  };
  add({ at: day(1) + 9 * hourMs, costUsd: 900 }, newcomer);
  yes("spend_spike", newcomer.email);

  // Loops, and what is only busy.
  many(chance.whole(55, 400), at(3), (index) => ({
    at: day(1) + 10 * hourMs + index * 8000,
    session: "loop-a",
    status: 500,
    costUsd: 0,
  }));
  yes("runaway_loop", at(3).email);
  many(chance.whole(190, 420), at(4), (index) => ({
    at: day(1) + 11 * hourMs + index * 8000,
    session: "loop-b",
    output: 40 + (index % 3),
    costUsd: 0.01,
  }));
  yes("runaway_loop", at(4).email);
  many(240, at(5), (index) => ({
    at: day(1) + 11 * hourMs + index * 12_000,
    session: "busy",
    output: 30 + ((index * 37) % 900),
    costUsd: 0.01,
  }));
  many(40, at(6), (index) => ({
    at: day(1) + 11 * hourMs + index * 12_000,
    session: "flaky",
    status: 503,
    costUsd: 0,
  }));

  // Waste, and what is only large.
  const large = { input: 260_000, output: 150, costUsd: 0.3 };
  many(chance.whole(7, 40), at(7), (index) => ({
    ...large,
    at: day(1) + 13 * hourMs + index * 60_000,
    session: "waste",
    cacheRead: 0,
  }));
  yes("wasteful_prompting", at(7).email);
  many(12, at(8), (index) => ({
    ...large,
    at: day(1) + 13 * hourMs + index * 60_000,
    session: "cached",
    cacheRead: 200_000,
  }));
  many(12, at(9), (index) => ({
    ...large,
    at: day(1) + 13 * hourMs + index * 60_000,
    session: "unsaid",
    cacheRead: null,
  }));

  // Repositories of one's own, one that nobody has entered yet, and a glance.
  const monday = day(14 + ((new Date(now).getUTCDay() + 6) % 7));
  many(chance.whole(15, 90), at(10), (index) => ({
    at: monday + 18 * hourMs + index * 60_000,
    project: "github.com/hobbyist/game",
    costUsd: 0.4,
    session: "hobby",
  }));
  yes("personal_use_company_account", at(10).email);
  for (const index of [11, 12])
    many(30, at(index), (call) => ({
      at: monday + 9 * hourMs + call * 60_000,
      project: "github.com/acme-labs/lab",
      costUsd: 0.4,
      session: `lab${index}`,
    }));
  many(4, at(13), (index) => ({
    at: monday + 12 * hourMs + index * 60_000,
    project: "github.com/somebody/else",
    costUsd: 0.1,
    session: "glance",
  }));
  many(30, at(13), (index) => ({
    at: monday + 20 * hourMs + index * 60_000,
    project: "github.com/own/money",
    costUsd: 0.5,
    session: "own",
    billing: "byok",
  }));

  // Accounts that no one person uses so.
  for (const ago of [3, 2])
    many(chance.whole(19, 24), at(14), (hour) => ({
      at: day(ago) + hour * hourMs + 60_000,
      session: `night-${ago}-${hour}`,
      costUsd: 0.05,
    }));
  yes("abuse_pattern", at(14).email);
  many(14, at(15), (hour) => ({ at: day(2) + (7 + hour) * hourMs, session: `long-${hour}`, costUsd: 0.05 }));
  many(chance.whole(4, 12), at(16), (index) => ({
    at: day(1) + 16 * hourMs + index * 60_000,
    device: uuidFor(seed, "crowd", index),
    session: `crowd-${index}`,
  }));
  yes("abuse_pattern", at(16).email);
  many(2, at(17), (index) => ({
    at: day(1) + 16 * hourMs + index * 60_000,
    device: uuidFor(seed, "laptop", index),
    session: `two-${index}`,
  }));
  many(chance.whole(90, 300), at(18), (index) => ({
    at: day(1) + 17 * hourMs + index * 12_000,
    status: 429,
    costUsd: 0,
    session: `h${index % 9}`,
  }));
  yes("abuse_pattern", at(18).email);

  // Names.
  many(chance.whole(4, 30), at(19), (index) => ({
    at: day(1) + 14 * hourMs + index * 60_000,
    device: at(20).device,
    session: "borrowed",
  }));
  yes("auth_context_mismatch", at(20).device);
  many(2, at(21), (index) => ({
    at: day(1) + 14 * hourMs + index * 60_000,
    device: at(22).device,
    session: "glanced",
  }));
  const alias = `second-${at(22).email}`;
  made.aliases.set(at(22).email, alias);
  many(9, at(22), (index) => ({
    at: day(1) + 14 * hourMs + index * 60_000,
    subject: alias,
    session: "alias",
  }));
  made.leavers.set(at(23).email, day(20));
  yes("auth_context_mismatch", at(23).email);
  made.leavers.set(`gone${seed}@example.com`, day(20));

  // Service accounts.
  const [ci, app] = [`service-account:ci-${seed}`, `service-account:app-${seed}`] as const;
  const asAccount = (subject: string): Person => ({
    ...at(0),
    email: subject,
    device: uuidFor(seed, subject),
  });
  many(9, asAccount(app), (index) => ({ at: day(1) + 14 * hourMs + index * 60_000, session: "by hand" }));
  yes("off_topic_production", app);
  many(24, asAccount(app), (hour) => ({
    at: day(1) + hour * hourMs,
    tool: "my-service",
    session: `app-${hour}`,
  }));
  many(24, asAccount(app), (hour) => ({
    at: day(2) + hour * hourMs,
    tool: "my-service",
    session: `app2-${hour}`,
  }));
  many(9, asAccount(ci), (index) => ({ at: day(1) + 14 * hourMs + index * 60_000, session: "ci" }));
  many(130, asAccount(ci), (index) => ({
    at: day(2) + 17 * hourMs + index * 20_000,
    status: 429,
    costUsd: 0,
    session: `c${index % 9}`,
  }));

  // Services: one never used before, and one that came back after a month.
  const groq = { provider: "groq", tool: "my-script", model: "llama-4" } as const;
  add({ at: day(1) + 8 * hourMs, session: "groq", ...groq }, at(5));
  yes("new_service", "groq");
  const mistral = { provider: "mistral", tool: "my-script", model: "mistral-large" } as const;
  for (const ago of [45, 1]) add({ at: day(ago) + 8 * hourMs, session: `mistral-${ago}`, ...mistral }, at(5));

  // Proxies.
  made.tunnels.push(
    {
      at: day(1) + 9 * hourMs,
      subject: at(6).email,
      host: "api.openai.com",
      tunnels: 40,
      mismatches: chance.whole(2, 40),
    },
    { at: day(1) + 9 * hourMs, subject: at(7).email, host: "api.anthropic.com", tunnels: 400, mismatches: 2 },
  );
  yes("sni_mismatch", at(6).email);
  made.received.set(at(8).device, "1-400,441-900");
  yes("sequence_gap", at(8).device);

  slowDown(calls, slowed, 1.5 + chance.next() * 2, { from: day(2), to: day(0) });
  yes("model_regression_signal", slowed.model);

  return {
    people: [...staff, newcomer]
      .map(({ email }): MadePerson => ({
        email,
        leftAt: made.leavers.get(email) ?? null,
        alias: made.aliases.get(email) ?? null,
      }))
      .concat([{ email: `gone${seed}@example.com`, leftAt: day(20), alias: null }]),
    accounts: [
      { subject: app, environment: "production", abuseDetection: true },
      { subject: ci, environment: "development", abuseDetection: false },
    ],
    markers: [...new Set(staff.map(({ project }) => project))],
    calls: calls.filter((call) => call.at < now),
    tunnels: made.tunnels,
    received: made.received,
    ...rest(yes),
    truth,
  };
}

/** What no person does: refused keys, a silent connection, months against their forecasts. */
function rest(
  yes: (type: string, about: string) => void,
): Pick<MadeOrganisation, "refusals" | "connected" | "forecasts"> {
  yes("credential_in_clear_text", "clear_text");
  yes("key_misuse_detected", "unknown_key");
  yes("monitoring_gap", "cursor");
  yes("forecast_breach", "project p1");
  yes("forecast_breach", "organisation ");
  return {
    refusals: { clear_text: 3, unknown_key: 240, revoked_key: 4, placeholder: 900 },
    connected: ["ANTHROPIC", "OPENAI", "CURSOR"],
    forecasts: [
      {
        kind: "organisation",
        id: "",
        before: { expected: 4000, high95: 5000 },
        now: { expected: 5600, low95: 5200 },
      },
      {
        kind: "project",
        id: "p1",
        before: { expected: 900, high95: 1200 },
        now: { expected: 1500, low95: 1100 },
      },
      {
        kind: "project",
        id: "p2",
        before: { expected: 900, high95: 1200 },
        now: { expected: 1150, low95: 900 },
      },
      { kind: "project", id: "p3", before: { expected: 2, high95: 5 }, now: { expected: 12, low95: 9 } },
    ],
  };
}

function makePerson(seed: number, index: number): Person {
  const random = randomFor(seed, "person", index);
  return {
    email: `person${index}-${seed}@example.com`,
    random,
    tool: random.pick(tools),
    usualUsd: 2 + random.next() * 10,
    spread: 0.2 + random.next() * 0.4,
    device: uuidFor(seed, "device", index),
    project: `github.com/acme/repo${index % 6}`,
  };
}

function plainCall({ email, tool, device, project, random }: Person): Omit<MadeCall, "at"> {
  const output = random.whole(100, 4000);
  return {
    subject: email,
    device,
    session: `${email}-single-${random.next()}`,
    ...tool,
    project,
    input: random.whole(500, 9000),
    cacheRead: random.whole(5000, 60_000),
    output,
    costUsd: 0.2,
    status: 200,
    durationMs: Math.round(output * (9 + random.next() * 4)),
    billing: "metered",
  };
}

/** Weekdays from eight to six, now and then a weekend, a failure in a hundred; a day's cost varies by factors. */
function ordinaryWork(person: Person, now: number): MadeCall[] {
  const { random, email, usualUsd, spread } = person;
  const today = Math.floor(now / dayMs) * dayMs;
  return Array.from({ length: madeDays }, (_, ago) => today - ago * dayMs).flatMap((start) => {
    const isWeekend = [0, 6].includes(new Date(start).getUTCDay());
    if (random.next() > (isWeekend ? 0.1 : 0.9)) return [];
    const costUsd = usualUsd * Math.exp(spread * normal(random));
    const count = random.whole(5, 11);
    return Array.from({ length: count }, (_, index): MadeCall => ({
      ...plainCall(person),
      at: start + random.whole(8 * 60, 18 * 60) * 60_000,
      session: `${email}-${dateOf(start)}-${index % 3}`,
      costUsd: costUsd / count,
      status: random.next() < 0.01 ? random.pick([429, 500, 529]) : 200,
    }));
  });
}

/** Box and Muller's: a number of the standard normal distribution. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function slowDown(
  calls: MadeCall[],
  { model }: Tool,
  factor: number,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  for (const [index, call] of calls.entries()) {
    if (call.model !== model || call.at < from || call.at >= to) continue;
    calls[index] = { ...call, durationMs: Math.round(call.durationMs * factor) };
  }
}
