import { readFileSync } from "node:fs";
import { must } from "../assert.ts";
import { parseDecimal, type PicoUsdPerUnit } from "../money.ts";
import { modelCandidates, vendorOf } from "./model-id.ts";

/** What a provider charges by: the tier it granted, which may differ from the one that was asked for. */
export const priceTiers = ["standard", "batch", "flex", "priority"] as const;
export type PriceTier = (typeof priceTiers)[number];

/** Prices of a request whose whole prompt is larger than `above` tokens, in pico-USD a token. Null: no published price. */
export interface Band {
  readonly above: number;
  readonly input: PicoUsdPerUnit | null;
  readonly output: PicoUsdPerUnit | null;
  /** Where reasoning is charged otherwise than the rest of the output. */
  readonly reasoning: PicoUsdPerUnit | null;
  readonly cacheRead: PicoUsdPerUnit | null;
  readonly cacheWrite5m: PicoUsdPerUnit | null;
  readonly cacheWrite1h: PicoUsdPerUnit | null;
}

/** What one model costs at one provider from one day on. */
export interface Price {
  readonly provider: string;
  readonly model: string;
  /** First UTC day of this price; null where it has held as long as the book knows. */
  readonly from: string | null;
  /** Ascending by `above`; the first begins at 0. */
  readonly bands: Readonly<Partial<Record<PriceTier, readonly [Band, ...Band[]]>>>;
  /** Factors on every token, in millionths: `fast` for the fast mode, `us` for inference kept in the United States. */
  readonly factors: Readonly<Partial<Record<"fast" | "us", bigint>>>;
}

export interface PriceBook {
  /**
   * The price of a model at a provider on the day of the call, or null where none is known. The provider's own rows
   * win; a provider that sells seats rather than tokens (an editor, a plan) is answered by the list price of the
   * model's vendor.
   */
  find(provider: string, model: string, at: number): Price | null;
}

/** One row as the data file holds it: pico-USD a token as decimal text. */
export interface PriceRowData {
  readonly provider: string;
  readonly model: string;
  readonly from?: string;
  readonly bands: Readonly<Record<string, readonly PriceBand[]>>;
  readonly factors?: Readonly<Record<string, string>>;
}

export interface PriceBand {
  readonly above: number;
  readonly input?: string;
  readonly output?: string;
  readonly reasoning?: string;
  readonly cacheRead?: string;
  readonly cacheWrite5m?: string;
  readonly cacheWrite1h?: string;
}

/** Let go by the collector of garbage where nobody asks for prices: it is 1 MB of an idle agent, and read in 10 ms. */
let shipped: WeakRef<PriceBook> | undefined;

/** The book that comes with the program: LiteLLM's map of 2026-08-01 (MIT, see book.data.LICENSE) with later changes. */
export function shippedPrices(): PriceBook {
  const known = shipped?.deref();
  if (known !== undefined) return known;
  const book = priceBook(
    JSON.parse(readFileSync(new URL("book.data.json", import.meta.url), "utf8")) as PriceRowData[],
  );
  shipped = new WeakRef(book);
  return book;
}

export function priceBook(rows: readonly PriceRowData[]): PriceBook {
  const byProvider = new Map<string, Map<string, PriceRowData[]>>();
  for (const row of rows) {
    const models = byProvider.get(row.provider) ?? new Map<string, PriceRowData[]>();
    models.set(row.model, [...(models.get(row.model) ?? []), row]);
    byProvider.set(row.provider, models);
  }
  const read = memoise(readPrice);
  const resolve = memoiseText((provider: string, model: string): readonly PriceRowData[] | null => {
    const own = byProvider.get(provider);
    const models = own ?? byProvider.get(vendorOf(model) ?? "");
    if (models === undefined) return null;
    for (const candidate of modelCandidates(model)) {
      const found = models.get(candidate);
      if (found !== undefined) return found;
    }
    return null;
  });
  return {
    find(provider, model, at) {
      const dated = resolve(provider, model);
      const [only] = dated ?? [];
      if (only === undefined) return null;
      if (dated?.length === 1 && only.from === undefined) return read(only);
      const day = new Date(at).toISOString().slice(0, 10);
      const row = dated?.findLast(({ from }) => from === undefined || from <= day);
      return row === undefined ? null : read(row);
    },
  };
}

function readPrice({ provider, model, from, bands, factors }: PriceRowData): Price {
  return {
    provider,
    model,
    from: from ?? null,
    bands: Object.fromEntries(Object.entries(bands).map(([tier, rows]) => [tier, rows.map(readBand)])),
    factors: Object.fromEntries(Object.entries(factors ?? {}).map(([name, text]) => [name, exact(text, 6)])),
  };
}

function readBand(band: PriceBand): Band {
  return {
    above: band.above,
    input: pico(band.input),
    output: pico(band.output),
    reasoning: pico(band.reasoning),
    cacheRead: pico(band.cacheRead),
    cacheWrite5m: pico(band.cacheWrite5m),
    cacheWrite1h: pico(band.cacheWrite1h),
  };
}

function pico(text: string | undefined): PicoUsdPerUnit | null {
  return text === undefined ? null : (exact(text, 0) as PicoUsdPerUnit);
}

function exact(text: string, scale: number): bigint {
  const parsed = parseDecimal(text, scale);
  return must(parsed.ok ? parsed.value : null, `the price book holds ${text}`);
}

function memoise<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const value = compute(key);
    known.set(key, value);
    return value;
  };
}

/** Bounded, because model names come from strangers. */
function memoiseText<V>(compute: (a: string, b: string) => V): (a: string, b: string) => V {
  const known = new Map<string, V>();
  return (a, b) => {
    const key = `${a}\n${b}`;
    const value = known.get(key);
    if (value !== undefined || known.has(key)) return value as V;
    if (known.size >= 10_000) known.clear();
    const computed = compute(a, b);
    known.set(key, computed);
    return computed;
  };
}
