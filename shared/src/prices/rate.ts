import { divideHalfEven, type NanoUsd, type PicoUsdPerUnit } from "../money.ts";
import { promptTokens, type TokenCounts } from "../tokens.ts";
import type { Band, Price, PriceTier } from "./book.ts";

/** What was charged besides the tokens themselves. Unknown is null and priced as the standard. */
export interface Terms {
  /** The tier that the answer says was granted, in the provider's word. */
  readonly serviceTier: string | null;
  readonly speed: string | null;
  readonly inferenceGeo: string | null;
  /** What was among the tokens beside text and has a price of its own. */
  readonly modality: "audio" | null;
}

export const standardTerms: Terms = {
  serviceTier: null,
  speed: null,
  inferenceGeo: null,
  modality: null,
};

/**
 * How far the price is our reading rather than the provider's word:
 * `cache_as_input`: no price for cached tokens is published, so they cost what uncached ones do;
 * `tier_as_standard`: the granted tier has no published price.
 */
export type RateAssumption = "cache_as_input" | "tier_as_standard";

export interface Rated {
  readonly costNanoUsd: NanoUsd;
  readonly assumptions: readonly RateAssumption[];
}

/**
 * What the tokens cost, exact in pico-USD and rounded once, half to even, to nano-USD. A larger prompt moves the whole
 * request into a higher band, cached tokens included; `bandTokens` says how large the prompt was where `counts` is
 * the sum of several calls of one band. Null when input or output is unknown or has no price: the book has those of
 * text alone.
 */
export function rate(
  price: Price,
  counts: TokenCounts,
  terms: Terms = standardTerms,
  bandTokens: number = promptTokens(counts) ?? 0,
): Rated | null {
  const asked = tierOf(terms.serviceTier);
  const half = asked === "batch" && price.bands.batch === undefined && halvesBatches.has(price.provider);
  const tier = price.bands[asked] === undefined ? "standard" : asked;
  const bands = price.bands[tier];
  if (bands === undefined || counts.input === null || counts.output === null) return null;
  if (terms.modality === "audio") return null;
  const band = bandFor(bands, bandTokens);

  const assumptions = new Set<RateAssumption>();
  if (tier !== asked && !half) assumptions.add("tier_as_standard");
  const cached = (
    count: number | null,
    own: PicoUsdPerUnit | null,
  ): readonly [number, PicoUsdPerUnit | null] => {
    if (own === null && (count ?? 0) > 0) assumptions.add("cache_as_input");
    return [count ?? 0, own ?? band.input];
  };
  const reasoning = band.reasoning === null ? 0 : Math.min(counts.reasoning ?? 0, counts.output);
  const parts: readonly (readonly [number, PicoUsdPerUnit | null])[] = [
    [counts.input, band.input],
    [counts.output - reasoning, band.output],
    [reasoning, band.reasoning],
    cached(counts.cacheRead, band.cacheRead),
    cached(counts.cacheWrite5m, band.cacheWrite5m),
    cached(counts.cacheWrite1h, band.cacheWrite1h ?? band.cacheWrite5m),
  ];

  let pico = 0n;
  for (const [count, unit] of parts) {
    if (count === 0) continue;
    if (unit === null) return null;
    pico += BigInt(count) * unit;
  }
  const fast = terms.speed === "fast" ? (price.factors.fast ?? one) : one;
  const region = terms.inferenceGeo === "us" ? (price.factors.us ?? one) : one;
  const cost = divideHalfEven(pico * fast * region, 1000n * one * one * (half ? 2n : 1n)) as NanoUsd;
  return { costNanoUsd: cost, assumptions: [...assumptions] };
}

/** The band of a prompt of this size: the index by which calls may be summed before they are rated. */
export function bandIndex(price: Price, terms: Terms, prompt: number): number {
  const bands = price.bands[tierOf(terms.serviceTier)] ?? price.bands.standard ?? [];
  return bands.findLastIndex(({ above }) => above === 0 || prompt > above);
}

const one = 1_000_000n;

/** Vendors whose price page halves every token price for batches. */
const halvesBatches: ReadonlySet<string> = new Set(["anthropic", "openai", "google"]);

function bandFor(bands: readonly [Band, ...Band[]], prompt: number): Band {
  const band = bands.findLast(({ above }) => prompt > above) ?? bands[0];
  // A band that names only some classes keeps the others of the first.
  return band === bands[0] ? band : fillBand(band, bands[0]);
}

function fillBand(band: Band, base: Band): Band {
  return {
    above: band.above,
    input: band.input ?? base.input,
    output: band.output ?? base.output,
    reasoning: band.reasoning ?? base.reasoning,
    cacheRead: band.cacheRead ?? base.cacheRead,
    cacheWrite5m: band.cacheWrite5m ?? base.cacheWrite5m,
    cacheWrite1h: band.cacheWrite1h ?? base.cacheWrite1h,
  };
}

function tierOf(word: string | null): PriceTier {
  switch (word) {
    case "batch":
    case "flex":
    case "priority":
      return word;
    case "fast":
      return "priority";
    default:
      return "standard";
  }
}
