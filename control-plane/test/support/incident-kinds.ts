/** What goes wrong in a made organisation, from slight to grave, and beside it what only looks like it. */
import { dayMs, hourMs } from "@flowstate/shared/time";
import { randomFor, uuidFor, type Random } from "../../src/providers/demo/random.ts";
import type { MadeCall, MadeContent, MadeFormat, MadeTunnels } from "./incidents.ts";
import { plainCall, slowed, type Person } from "./ordinary-work.ts";

/** An organisation in the making. */
export interface Making {
  readonly seed: number;
  readonly now: number;
  readonly staff: readonly [Person, ...Person[]];
  readonly calls: MadeCall[];
  readonly tunnels: MadeTunnels[];
  readonly contents: MadeContent[];
  readonly formats: MadeFormat[];
  readonly received: Map<string, string>;
  readonly leavers: Map<string, number>;
  readonly aliases: Map<string, string>;
  readonly yes: (type: string, about: string) => void;
}

export const newcomerOf = (seed: number): string => `newcomer${seed}@example.com`;
export const goneOf = (seed: number): string => `gone${seed}@example.com`;
export const accountsOf = (seed: number) => ({
  ci: `service-account:ci-${seed}`,
  app: `service-account:app-${seed}`,
});

/** Everything that goes wrong, spread over the people in turn: it takes at least 24 of them. */
export function addIncidents(making: Making): void {
  const { seed, now, staff, calls } = making;
  const tools: Tools = {
    ...making,
    chance: randomFor(seed, "incidents"),
    at: (index) => staff[index % staff.length] ?? staff[0],
    day: (ago) => Math.floor(now / dayMs) * dayMs - ago * dayMs,
    add: (given, person) => void calls.push({ ...plainCall(person), ...given }),
    many(count, person, given) {
      for (let index = 0; index < count; index += 1) tools.add(given(index), person);
    },
  };
  for (const theme of themes) theme(tools);
}

type Given = Partial<MadeCall> & Pick<MadeCall, "at">;

interface Tools extends Making {
  readonly chance: Random;
  readonly at: (index: number) => Person;
  /** The start of the day so many days ago. */
  readonly day: (ago: number) => number;
  readonly add: (given: Given, person: Person) => void;
  readonly many: (count: number, person: Person, given: (index: number) => Given) => void;
}

const themes = [
  money,
  loops,
  waste,
  repositories,
  accounts,
  names,
  programs,
  services,
  proxies,
  models,
  contents,
  formats,
];

/** From a bad day to a disaster. */
function money({ seed, chance, at, yes, day, add }: Tools): void {
  for (const index of [0, 1]) {
    add({ at: day(1) + 15 * hourMs, costUsd: 25 + at(index).usualUsd * chance.whole(6, 40) }, at(index));
    yes("spend_spike", at(index).email);
  }
  add({ at: day(2) + 15 * hourMs, costUsd: at(2).usualUsd * 1.5 }, at(2));
  const newcomer = { ...at(0), email: newcomerOf(seed), device: uuidFor(seed, "new") };
  add({ at: day(1) + 9 * hourMs, costUsd: 900 }, newcomer);
  yes("spend_spike", newcomer.email);
}

/** Loops, and what is only busy. */
function loops({ chance, at, yes, day, many }: Tools): void {
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
}

/** Waste, and what is only large. */
function waste({ chance, at, yes, day, many }: Tools): void {
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
}

/** Repositories of one's own, one that nobody has entered yet, and a glance. */
function repositories({ now, chance, at, yes, day, many }: Tools): void {
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
}

/** Accounts that no one person uses so, a long day, and two laptops. */
function accounts({ seed, chance, at, yes, day, many }: Tools): void {
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
}

/** A device that is lent, a second address, and people who have left. */
function names({ seed, chance, at, yes, day, many, aliases, leavers }: Tools): void {
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
  aliases.set(at(22).email, alias);
  many(9, at(22), (index) => ({
    at: day(1) + 14 * hourMs + index * 60_000,
    subject: alias,
    session: "alias",
  }));
  leavers.set(at(23).email, day(20));
  yes("auth_context_mismatch", at(23).email);
  leavers.set(goneOf(seed), day(20));
}

/** Service accounts: one used by hand, and one that may do as it likes. */
function programs({ seed, at, yes, day, many }: Tools): void {
  const { ci, app } = accountsOf(seed);
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
}

/** A service that was never used before, and one that came back after a month. */
function services({ at, yes, day, add }: Tools): void {
  const groq = { provider: "groq", tool: "my-script", model: "llama-4" } as const;
  add({ at: day(1) + 8 * hourMs, session: "groq", ...groq }, at(5));
  yes("new_service", "groq");
  const mistral = { provider: "mistral", tool: "my-script", model: "mistral-large" } as const;
  for (const ago of [45, 1]) add({ at: day(ago) + 8 * hourMs, session: `mistral-${ago}`, ...mistral }, at(5));
}

/** What proxies and outboxes tell. */
function proxies({ chance, at, yes, day, tunnels, received }: Tools): void {
  tunnels.push(
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
  received.set(at(8).device, "1-400,441-900");
  yes("sequence_gap", at(8).device);
}

/** A model that takes longer for two days. */
function models({ chance, yes, day, calls }: Tools): void {
  const factor = 1.5 + chance.next() * 2;
  for (const [index, call] of calls.entries()) {
    if (call.model !== slowed.model || call.at < day(2) || call.at >= day(0)) continue;
    calls[index] = { ...call, durationMs: Math.round(call.durationMs * factor) };
  }
  yes("model_regression_signal", slowed.model);
}

/** Prompts that hold what they should not, a single address in a letter, and an answer that says what it should not. */
function contents({ chance, at, yes, day, contents: made }: Tools): void {
  const found: readonly [type: string, counts: MadeContent["found"]][] = [
    ["api_key_in_prompt", { api_key: 1 }],
    ["secret_detected", { secret: chance.whole(1, 3) }],
    ["pii_detected", { email_address: 1 }],
    ["customer_data_pattern", { email_address: chance.whole(9, 200), bank_account: 1 }],
    ["banned_content_pattern", { phrase: 2 }],
  ];
  for (const [index, [type, counts]] of found.entries()) {
    const { email: subject, device } = at(10 + index);
    made.push({ at: day(1) + 10 * hourMs, subject, device, kind: "content", action: "WARN", found: counts });
    yes(type, subject);
  }
  const { email: subject, device } = at(15);
  made.push({
    at: day(1) + 10 * hourMs,
    subject,
    device,
    kind: "answer",
    action: "WARN",
    found: { phrase: chance.whole(1, 3) },
  });
  yes("brand_violation", subject);
}

/**
 * A new version of a tool that writes its counts elsewhere, on the few devices that have it, and one whose answers some
 * devices cannot read at times. Beside them errors that stand in every log.
 */
function formats({ chance, at, yes, day, formats: made }: Tools): void {
  const tell = (index: number, version: string, seen: number, blank: number): void => {
    const { email: subject, device } = at(index);
    made.push({ at: day(1) + 11 * hourMs, subject, device, tool: "claude-code", version, seen, blank });
  };
  for (let index = 0; index < 20; index += 1) {
    const seen = chance.whole(100, 5000);
    tell(index, "2.1.400", seen, chance.whole(0, Math.floor(seen / 50)));
  }
  for (let index = 0; index < 3; index += 1) {
    const seen = chance.whole(20, 400);
    tell(index, "3.0.0", seen, chance.whole(Math.ceil(seen * 0.8), seen));
  }
  yes("format_drift", "claude-code 3.0.0");
  // Too few on each device to say so, and enough on all of them.
  for (let index = 0; index < 20; index += 1) tell(index, "2.2.0", chance.whole(60, 90), chance.whole(8, 15));
  yes("format_drift", "claude-code 2.2.0");
  tell(0, "2.1.399", 12, 12);
}
