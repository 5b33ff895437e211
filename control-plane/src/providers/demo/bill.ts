import { must } from "@flowstate/shared/assert";
import { divideHalfEven } from "@flowstate/shared/money";
import { dayMs, hourMs, periodOfDate, type UsageDate } from "@flowstate/shared/time";
import { formatDecimal, type StatedAmount } from "../amount.ts";
import { billLine, type BillLine, type Pulled, type VendorTokens } from "../connector.ts";
import { demoCalls, type DemoCall } from "./activity.ts";
import { demoTools, machineKey, sharedKey, type DemoCompany, type DemoPerson } from "./company.ts";
import { demoIncidents } from "./incidents.ts";
import { randomFor } from "./random.ts";

/** Bills reach the customer so long after the day's end. */
const lagMs = 6 * hourMs;
/** And some of their lines are another figure from the third day on. */
const restatedAfterMs = 3 * dayMs;

/**
 * What the demo's vendors bill for a day as they state it at `now`: sums of the calls with each vendor's rounding, a
 * shared key, a machine's key, a gateway that names nobody, seats, a credit, and a restatement now and then.
 */
export function demoBill(company: DemoCompany, day: UsageDate, now: number): readonly Pulled[] {
  const start = Date.parse(`${day}T00:00:00Z`);
  if (now < start + dayMs + lagMs) return [];
  const restated = now >= start + dayMs + restatedAfterMs;
  return [
    ...usageLines(company, day, restated),
    ...machineLines(company, day),
    ...(new Date(start).getUTCDay() === 1 ? [gatewayLine(company, day)] : []),
    ...(day.endsWith("-01") ? monthlyLines(company, day) : []),
  ];
}

export const demoFeeds = ["usage", "machine", "gateway", "seats", "credits"] as const;

function usageLines(company: DemoCompany, day: UsageDate, restated: boolean): readonly Pulled[] {
  const billed = [...demoCalls(company, day), ...demoIncidents(company, day).calls].filter(
    ({ tool, costNanoUsd, status }) => tool.service !== null && costNanoUsd !== null && status === 200,
  );
  const groups = Map.groupBy(billed, ({ person, tool, model }) =>
    [tool.provider, whoPays(person, tool.provider).value, model].join("|"),
  );
  return [...groups].flatMap(([group, calls]) => {
    const [first] = calls;
    if (first === undefined) return [];
    const { person, tool, model } = first;
    const cost = calls.reduce((sum, { costNanoUsd }) => sum + must(costNanoUsd, "filtered above"), 0n);
    const isRestated = restated && randomFor(company.seed, day, group, "restated").next() < 0.03;
    const stated = isRestated ? (cost * 104n) / 100n : cost;
    const identity = whoPays(person, tool.provider);
    const line = billLine({
      feed: "usage",
      key: `${day}|${group}`,
      service: must(tool.service, "filtered above"),
      identity,
      day,
      description: `Demo: ${tool.tool}, ${model}`,
      amount: round(stated, tool.provider === "cursor" ? 100_000n : 10_000n),
      model,
      sku: "tokens",
      tokens: sumTokens(calls),
      requests: BigInt(calls.length),
      record: { day, group, stated },
    });
    return identity.value === sharedKey ? [line, ...sharesOf(day, calls)] : [line];
  });
}

/** Anthropic states its own user, OpenAI the key, Cursor the e-mail. */
function whoPays(person: DemoPerson, provider: string): BillLine["identity"] & { readonly value: string } {
  if (provider === "anthropic") return { kind: "vendor_user", value: vendorUserOf(person) };
  return provider === "openai"
    ? { kind: "api_key", value: person.keyId }
    : { kind: "email", value: person.email };
}

export function vendorUserOf({ id }: DemoPerson): string {
  return `user_${id}`;
}

/** Whose a shared key's usage was, by the vendor's own count. */
function sharesOf(day: UsageDate, calls: readonly DemoCall[]): readonly Pulled[] {
  return [...Map.groupBy(calls, ({ person }) => person)].map(([person, own]) => {
    const model = own[0]?.model ?? "";
    return {
      type: "usage",
      usage: {
        feed: "usage",
        key: `${day}|${person.id}|${model}`,
        service: "openai-api",
        day,
        account: null,
        apiKey: sharedKey,
        identity: { kind: "vendor_user", value: vendorUserOf(person) },
        model,
        tokens: sumTokens(own),
        requests: BigInt(own.length),
      },
    };
  });
}

function sumTokens(calls: readonly DemoCall[]): VendorTokens {
  const sum = (count: (call: DemoCall) => number | null) =>
    BigInt(calls.reduce((total, call) => total + (count(call) ?? 0), 0));
  return {
    input: sum((call) => call.tokens.input),
    output: sum((call) => call.tokens.output),
    cacheRead: sum((call) => call.tokens.cacheRead),
    cacheWrite: sum((call) => call.tokens.cacheWrite5m),
  };
}

/** Vendors round to parts of a cent. */
function round(nanoUsd: bigint, unit: bigint): StatedAmount {
  return { text: formatDecimal(divideHalfEven(nanoUsd, unit) * unit, 9), currency: "USD" };
}

function machineLines({ seed }: DemoCompany, day: UsageDate): readonly Pulled[] {
  const cents = randomFor(seed, day, "machine").whole(380, 460);
  const amount = { text: formatDecimal(BigInt(cents), 2), currency: "USD" };
  const identity = { kind: "api_key", value: machineKey } as const;
  const shared = {
    service: "openai-api",
    identity,
    day,
    amount,
    model: "gpt-5.4-mini",
    record: { day, cents },
  };
  return [billLine({ ...shared, feed: "machine", key: day, description: "Demo: nightly evaluation" })];
}

function gatewayLine({ seed }: DemoCompany, day: UsageDate): Pulled {
  const cents = randomFor(seed, day, "gateway").whole(450, 1250);
  return billLine({
    feed: "gateway",
    key: day,
    service: "openrouter",
    identity: { kind: "org", value: null },
    day,
    description: "Demo: gateway usage of the week",
    amount: { text: formatDecimal(BigInt(cents), 2), currency: "USD" },
    record: { day, cents },
  });
}

function monthlyLines({ people }: DemoCompany, day: UsageDate): readonly Pulled[] {
  const month = periodOfDate(day);
  const seats = people.filter(({ tools }) => tools.some((tool) => tool === demoTools.cursor));
  return [
    ...seats.map(({ email }) =>
      billLine({
        feed: "seats",
        key: `${day}|${email}`,
        chargeCategory: "Purchase",
        chargeFrequency: "Recurring",
        service: "cursor",
        identity: { kind: "email", value: email },
        day,
        description: `Demo: Cursor seat, ${month}`,
        amount: { text: "40", currency: "USD" },
        sku: "seat",
        quantity: { value: "1", unit: "seat" },
        record: { month, email },
      }),
    ),
    billLine({
      feed: "credits",
      key: day,
      chargeCategory: "Credit",
      chargeFrequency: "One-Time",
      service: "openai-api",
      identity: { kind: "org", value: null },
      day,
      description: `Demo: promotional credit, ${month}`,
      amount: { text: "-25", currency: "USD" },
      record: { month },
    }),
  ];
}
