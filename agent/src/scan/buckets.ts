import { zeroUsd } from "@flowstate/shared/money";
import { shippedPrices, type Price } from "@flowstate/shared/prices/book";
import { bandIndex, rate, type Terms } from "@flowstate/shared/prices/rate";
import { promptTokens, type TokenCounts } from "@flowstate/shared/tokens";
import { readOutput } from "../normalise/merge.ts";
import type { OutputTrust, Sighting } from "../normalise/sighting.ts";
import { noUsage, type Bucket } from "./usage.ts";

/** What calls have in common that are of one bucket and are also priced alike. */
interface Facet {
  readonly quarter: number;
  readonly tool: string;
  readonly provider: string;
  readonly model: string | null;
  readonly session: string | null;
  readonly cwd: string | null;
  readonly trust: OutputTrust;
  readonly known: boolean;
  readonly band: number;
  readonly serviceTier: string | null;
  readonly speed: string | null;
  readonly inferenceGeo: string | null;
  readonly modality: string | null;
  readonly pricedFrom: string | null;
}

/** Calls of one facet; their tokens may be summed before they are rated. */
interface Group {
  readonly facet: Facet;
  readonly project: string | null;
  readonly price: Price | null;
  readonly terms: Terms;
  /** Of the first call: what the prompts of all of them are priced by is the same. */
  readonly prompt: number;
  readonly sum: Record<keyof TokenCounts, number>;
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
  let last: Group | undefined;
  for (const call of calls) {
    const { terms, place, model, provider, tool, tokens } = call;
    const { output, trust } = readOutput(call);
    const counts: TokenCounts = output === tokens.output ? tokens : { ...tokens, output };
    const price = model === null ? null : book.find(provider, model, place.occurredAt);
    const prompt = promptTokens(counts) ?? 0;
    const facet: Facet = {
      quarter: Math.floor(place.occurredAt / quarterMs) * quarterMs,
      tool,
      provider,
      model,
      session: place.sessionId,
      cwd: place.cwd,
      trust,
      known: counts.input !== null && output !== null,
      band: price === null ? -1 : bandIndex(price, terms, prompt),
      serviceTier: terms.serviceTier,
      speed: terms.speed,
      inferenceGeo: terms.inferenceGeo,
      modality: terms.modality,
      pricedFrom: price?.from ?? null,
    };
    // Calls of a conversation follow each other: most are of the facet before, and no key is made.
    if (last === undefined || !isSame(last.facet, facet)) {
      const key = Object.values(facet).join("|");
      last = groups.get(key);
      if (last === undefined) {
        const project = place.cwd === null ? null : projectLabel(place.cwd);
        const sum = { input: 0, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
        last = { facet, project, price, terms, prompt, sum, calls: 0 };
        groups.set(key, last);
      }
    }
    addCounts(last.sum, counts);
    last.calls += 1;
  }
  return [...groups.values()].map(toBucket);
}

function isSame(a: Facet, b: Facet): boolean {
  return (
    a.quarter === b.quarter &&
    a.session === b.session &&
    a.model === b.model &&
    a.cwd === b.cwd &&
    a.trust === b.trust &&
    a.known === b.known &&
    a.band === b.band &&
    a.serviceTier === b.serviceTier &&
    a.speed === b.speed &&
    a.inferenceGeo === b.inferenceGeo &&
    a.modality === b.modality &&
    a.pricedFrom === b.pricedFrom &&
    a.provider === b.provider &&
    a.tool === b.tool
  );
}

function addCounts(sum: Record<keyof TokenCounts, number>, counts: TokenCounts): void {
  sum.input += counts.input ?? 0;
  sum.output += counts.output ?? 0;
  sum.cacheRead += counts.cacheRead ?? 0;
  sum.cacheWrite5m += counts.cacheWrite5m ?? 0;
  sum.cacheWrite1h += counts.cacheWrite1h ?? 0;
  sum.reasoning += counts.reasoning ?? 0;
}

function toBucket({ facet, project, price, terms, prompt, sum, calls }: Group): Bucket {
  const { quarter, tool, provider, model, session, trust, known } = facet;
  const rated = price === null || !known ? null : rate(price, sum, terms, prompt);
  return {
    quarter,
    tool,
    provider,
    model,
    session,
    project,
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
