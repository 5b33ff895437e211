/**
 * A company's October as it truly was, told twice: what the vendors billed and what the devices saw. It knows nothing
 * of the matcher: prices, noise and the truth are its own.
 */
import { addDays, type UsageDate } from "@flowstate/shared/time";

export interface MadeLine {
  readonly id: string;
  readonly kind: "ANTHROPIC" | "OPENAI" | "CURSOR";
  readonly service: string;
  readonly category: "Usage" | "Purchase" | "Credit" | "Tax";
  readonly recurring: boolean;
  readonly day: UsageDate;
  readonly subject: string | null;
  readonly key: string | null;
  readonly model: string | null;
  readonly amount: bigint;
  readonly currency: string;
  readonly tokens: MadeTokens | null;
}

export interface MadeTokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
}

export interface MadeUse {
  readonly day: UsageDate;
  readonly subject: string;
  readonly provider: "anthropic" | "openai";
  readonly model: string;
  readonly plan: boolean;
  readonly cost: bigint;
  readonly tokens: MadeTokens;
}

export interface Company {
  readonly lines: readonly MadeLine[];
  readonly seen: readonly MadeUse[];
  /** For each line that a device saw whole or in part: provider, person, day and model of what was seen. */
  readonly truth: ReadonlyMap<string, readonly string[]>;
  /** What was made to differ, by its cause: billed minus observed. */
  readonly injected: ReadonlyMap<string, bigint>;
}

/** Nano-dollars a token. */
const prices: Readonly<Record<string, MadeTokens>> = {
  "claude-sonnet-4-5": { input: 3000, output: 15_000, cacheRead: 300 },
  "claude-opus-4-5": { input: 5000, output: 25_000, cacheRead: 500 },
  "claude-haiku-4-5": { input: 1000, output: 5000, cacheRead: 100 },
  "gpt-5.5": { input: 5000, output: 30_000, cacheRead: 500 },
};

export const useKey = ({ provider, subject, day, model }: MadeUse): string =>
  [provider, subject, day, model].join("|");

/** Of a thousand lines that many are disturbed, in each of the ways below. */
const disturbances = {
  unseen: 8,
  half_seen: 8,
  dearer: 6,
  discount: 6,
  other_day: 8,
  batch: 5,
  long_context: 4,
  cache_as_input: 4,
  other_currency: 4,
} as const;
type Disturbance = keyof typeof disturbances;

export function makeCompany(seed: number, people: number): Company {
  const chance = generator(seed);
  const pick = <const T>(items: readonly [T, ...T[]]): T =>
    items[Math.floor(chance() * items.length)] ?? items[0];
  const lines: MadeLine[] = [];
  const seen: MadeUse[] = [];
  const truth = new Map<string, string[]>();
  const injected = new Map<string, bigint>();
  const inject = (cause: string, amount: bigint): void => {
    if (amount !== 0n) injected.set(cause, (injected.get(cause) ?? 0n) + amount);
  };
  const bill = (line: Omit<MadeLine, "id">): string => {
    const id = `line-${seed}-${lines.length}`;
    lines.push({ id, ...line });
    return id;
  };
  const see = (use: MadeUse): string => {
    seen.push(use);
    return useKey(use);
  };
  const plain = { category: "Usage", recurring: false, key: null, currency: "USD" } as const;
  const fixed = (
    category: MadeLine["category"],
    kind: MadeLine["kind"],
    service: string,
    subject: string | null,
    amount: bigint,
  ): void => {
    bill({
      ...plain,
      category,
      recurring: category === "Purchase" && subject !== null,
      kind,
      service,
      subject,
      amount,
      model: null,
      tokens: null,
      day: "2026-10-01" as UsageDate,
    });
  };

  for (let person = 0; person < people; person += 1) {
    const subject = `person${person}@example.com`;
    const provider = pick(["anthropic", "anthropic", "openai"] as const);
    const models =
      provider === "openai"
        ? ["gpt-5.5"]
        : pick<readonly string[]>([
            ["claude-sonnet-4-5"],
            ["claude-opus-4-5", "claude-haiku-4-5"],
            ["claude-sonnet-4-5", "claude-haiku-4-5"],
          ]);
    const seat = chance() < 0.3;
    if (seat) {
      fixed("Purchase", "CURSOR", "cursor", subject, 40_000_000_000n);
      inject("seat_fee", 40_000_000_000n);
    }
    for (let day = "2026-10-01" as UsageDate; day < "2026-11-01"; day = addDays(day, 1)) {
      if (chance() < (isWeekend(day) ? 0.9 : 0.1)) continue;
      for (const model of models) {
        const tokens = makeTokens(chance);
        const cost = costOf(model, tokens);
        const use: MadeUse = { day, subject, provider, model, plan: false, cost, tokens };
        const line = {
          ...plain,
          kind: provider === "openai" ? ("OPENAI" as const) : ("ANTHROPIC" as const),
          service: `${provider}-api`,
          day,
          subject,
          model,
          tokens,
        };
        switch (disturbanceOf(chance, model)) {
          case "unseen":
            bill({ ...line, amount: cost });
            inject("uncaptured_usage", cost);
            break;
          case "half_seen": {
            const half = scale(tokens, 0.35 + chance() * 0.3);
            const part = { ...use, tokens: half, cost: costOf(model, half) };
            truth.set(bill({ ...line, amount: cost }), [see(part)]);
            inject("uncaptured_usage", cost - part.cost);
            break;
          }
          case "dearer": {
            const amount = (cost * BigInt(110 + Math.floor(chance() * 30))) / 100n;
            truth.set(bill({ ...line, amount }), [see(use)]);
            inject("price_book_error", amount - cost);
            break;
          }
          case "discount": {
            const amount = (cost * BigInt(80 + Math.floor(chance() * 15))) / 100n;
            truth.set(bill({ ...line, amount }), [see(use)]);
            inject("negotiated_discount", amount - cost);
            break;
          }
          case "other_day": {
            const billedDay = addDays(day, 1);
            truth.set(bill({ ...line, day: billedDay, amount: cost }), [see(use)]);
            if (billedDay >= "2026-11-01") inject("cutoff_lag", -cost);
            break;
          }
          case "batch": {
            const amount = cost / 2n;
            truth.set(bill({ ...line, amount }), [see(use)]);
            inject("batch_tier", amount - cost);
            break;
          }
          case "long_context": {
            const amount = longContextCost(tokens);
            truth.set(bill({ ...line, amount }), [see(use)]);
            inject("long_context", amount - cost);
            break;
          }
          case "cache_as_input": {
            const asInput = { input: tokens.input + tokens.cacheRead, output: tokens.output, cacheRead: 0 };
            const amount = costOf(model, asInput);
            truth.set(bill({ ...line, amount, tokens: asInput }), [see(use)]);
            inject("cache_tier", amount - cost);
            break;
          }
          case "other_currency": {
            const amount = (cost * BigInt(1015 + Math.floor(chance() * 20))) / 1000n;
            truth.set(bill({ ...line, amount, currency: "EUR" }), [see(use)]);
            inject("exchange_rate", amount - cost);
            break;
          }
          case null: {
            const amount = provider === "openai" ? toCents(cost) : cost;
            truth.set(bill({ ...line, amount }), [see(use)]);
            inject("rounding", amount - cost);
            if (chance() < 0.1) {
              const extra = makeTokens(chance);
              const covered = { ...use, model: "claude-opus-4-5", plan: true, tokens: extra };
              if (provider === "openai") {
                const flat = {
                  ...covered,
                  provider: "anthropic" as const,
                  cost: costOf("claude-opus-4-5", extra),
                };
                see(flat);
                inject("included_usage", -flat.cost);
              }
            }
          }
        }
      }
    }
  }
  for (let day = "2026-10-01" as UsageDate; day < "2026-11-01"; day = addDays(day, 1)) {
    const amount = BigInt(Math.floor(20e9 + chance() * 60e9));
    const shared = { kind: "ANTHROPIC", service: "anthropic-api", subject: null, key: "key-ci" } as const;
    bill({ ...plain, ...shared, day, model: "claude-haiku-4-5", tokens: null, amount });
    inject("shared_key", amount);
  }
  fixed("Credit", "ANTHROPIC", "anthropic-api", null, -250_000_000_000n);
  inject("commitment_or_credit", -250_000_000_000n);
  fixed("Tax", "OPENAI", "openai-api", null, 123_450_000_000n);
  inject("tax_or_fee", 123_450_000_000n);
  return { lines, seen, truth, injected };
}

function disturbanceOf(chance: () => number, model: string): Disturbance | null {
  let left = chance() * 1000;
  for (const [name, share] of Object.entries(disturbances)) {
    left -= share;
    // Only one of the models has a dearer price for long prompts.
    if (left < 0)
      return name === "long_context" && model !== "claude-sonnet-4-5" ? null : (name as Disturbance);
  }
  return null;
}

function makeTokens(chance: () => number): MadeTokens {
  const size = 1 + Math.floor(chance() ** 3 * 60);
  return {
    input: Math.floor((500 + chance() * 20_000) * size),
    output: Math.floor((50 + chance() * 4000) * size),
    cacheRead: Math.floor(chance() * 200_000 * size),
  };
}

/** Sonnet's price for long prompts: twice the input, half as much again for the output. */
function longContextCost({ input, output, cacheRead }: MadeTokens): bigint {
  return BigInt(input * 6000 + output * 22_500 + cacheRead * 600);
}

function costOf(model: string, { input, output, cacheRead }: MadeTokens): bigint {
  const price = prices[model] ?? { input: 0, output: 0, cacheRead: 0 };
  return BigInt(input * price.input + output * price.output + cacheRead * price.cacheRead);
}

function scale({ input, output, cacheRead }: MadeTokens, by: number): MadeTokens {
  const part = (count: number): number => Math.floor(count * by);
  return { input: part(input), output: part(output), cacheRead: part(cacheRead) };
}

function toCents(nano: bigint): bigint {
  return ((nano + 5_000_000n) / 10_000_000n) * 10_000_000n;
}

function isWeekend(day: UsageDate): boolean {
  return [0, 6].includes(new Date(day).getUTCDay());
}

/** Mulberry32: the same seed makes the same company everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
