/** People at their work: what they use, what a day costs them, and how much days differ. */
import { dateOf, dayMs } from "@flowstate/shared/time";
import { randomFor, uuidFor, type Random } from "../../src/providers/demo/random.ts";
import type { MadeCall } from "./incidents.ts";

/** Days of ordinary work before now. */
export const madeDays = 42;

export type Tool = Pick<MadeCall, "tool" | "provider" | "model">;

/** The one that is slowed down in the end. */
export const slowed: Tool = { tool: "gemini-cli", provider: "google", model: "gemini-3-pro" };
const tools: [Tool, ...Tool[]] = [
  { tool: "claude-code", provider: "anthropic", model: "claude-sonnet-4-5" },
  { tool: "codex-cli", provider: "openai", model: "gpt-5.5" },
  slowed,
];

export interface Person {
  readonly email: string;
  readonly random: Random;
  readonly tool: Tool;
  /** Dollars of an ordinary day, and how much days differ (of the logarithm). */
  readonly usualUsd: number;
  readonly spread: number;
  readonly device: string;
  readonly project: string;
}

export function makePerson(seed: number, index: number): Person {
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

export function plainCall({ email, tool, device, project, random }: Person): Omit<MadeCall, "at"> {
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
export function ordinaryWork(person: Person, now: number): MadeCall[] {
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
