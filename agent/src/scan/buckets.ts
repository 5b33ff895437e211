import { zeroUsd } from "@flowstate/shared/money";
import { shippedPrices, type Price } from "@flowstate/shared/prices/book";
import { bandIndex, rate } from "@flowstate/shared/prices/rate";
import { promptTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { readOutput } from "../normalise/merge.ts";
import type { OutputTrust, Sighting } from "../normalise/sighting.ts";
import { noUsage, type Bucket, type BucketKey } from "./usage.ts";

/** Calls of one bucket that are also priced alike; their tokens may be summed before they are rated. */
interface Group {
  readonly key: BucketKey;
  readonly price: Price | null;
  readonly first: Sighting;
  readonly prompt: number;
  readonly trust: OutputTrust;
  readonly sum: Record<keyof TokenCounts, number>;
  readonly known: boolean;
  calls: number;
}

const quarterMs = 900_000;

/** The calls as buckets. Prices are exact sums: within one price and band a sum of calls costs what the calls do. */
export function bucketsOf(
  calls: Iterable<Sighting>,
  projectLabel: (cwd: string) => string,
  book = shippedPrices(),
): readonly Bucket[] {
  const groups = new Map<string, Group>();
  for (const call of calls) {
    const { output, trust } = readOutput(call);
    const counts: TokenCounts = output === call.tokens.output ? call.tokens : { ...call.tokens, output };
    const { terms, place, model, provider, tool } = call;
    const price = model === null ? null : book.find(provider, model, place.occurredAt);
    const prompt = promptTokens(counts) ?? 0;
    const known = counts.input !== null && output !== null;
    const quarter = Math.floor(place.occurredAt / quarterMs) * quarterMs;
    const band = price === null ? -1 : bandIndex(price, terms, prompt);
    const key = `${quarter}|${tool}|${provider}|${model}|${place.sessionId}|${place.cwd}|${trust}|${known}|${band}|${terms.serviceTier}|${terms.speed}|${terms.inferenceGeo}|${terms.modality}|${price?.from}`;
    let group = groups.get(key);
    if (group === undefined) {
      const project = place.cwd === null ? null : projectLabel(place.cwd);
      const bucket = { quarter, tool, provider, model, session: place.sessionId, project };
      const sum = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
      group = { key: bucket, price, first: call, prompt, trust, sum, known, calls: 0 };
      groups.set(key, group);
    }
    addCounts(group.sum, counts);
    group.calls += 1;
  }
  return [...groups.values()].map(toBucket);
}

function addCounts(sum: Record<keyof TokenCounts, number>, counts: TokenCounts): void {
  sum.input += counts.input ?? 0;
  sum.output += counts.output ?? 0;
  sum.cacheRead += counts.cacheRead ?? 0;
  sum.cacheWrite5m += counts.cacheWrite5m ?? 0;
  sum.cacheWrite1h += counts.cacheWrite1h ?? 0;
  sum.reasoning += counts.reasoning ?? 0;
}

function toBucket({ key, price, first, prompt, trust, sum, known, calls }: Group): Bucket {
  const rated = price === null || !known ? null : rate(price, sum, first.terms, prompt);
  return {
    ...key,
    usage: {
      calls,
      input: sum.input,
      output: sum.output,
      cacheRead: sum.cacheRead,
      cacheWrite: sum.cacheWrite5m + sum.cacheWrite1h,
      costNanoUsd: rated?.costNanoUsd ?? zeroUsd,
      unpricedCalls: rated === null ? calls : 0,
      outputByTrust: { ...noUsage.outputByTrust, [trust]: sum.output },
    },
  };
}
