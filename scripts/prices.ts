/**
 * Writes shared/src/prices/book.data.json from a copy of LiteLLM's price map:
 * `node scripts/prices.ts FILE`. Numbers are read as text and never become floats. Dated changes that
 * `@pydantic/genai-prices` knows after the map's own date are added as later rows.
 */
import { calcPrice, findProvider, type ModelPrice } from "@pydantic/genai-prices";
import { readFileSync, writeFileSync } from "node:fs";
import { must } from "../shared/src/assert.ts";
import { parseUnitPrice } from "../shared/src/money.ts";
import type { PriceBand, PriceRowData } from "../shared/src/prices/book.ts";

/** The day the map was read from its feed. */
const seedDate = "2026-08-01";

/** Names of the map's providers where they differ from ours. */
const providers: Readonly<Record<string, string>> = {
  "text-completion-openai": "openai",
  azure: "azure-openai",
  azure_text: "azure-openai",
  azure_ai: "azure-openai",
  gemini: "google",
  bedrock: "aws-bedrock",
  bedrock_converse: "aws-bedrock",
  bedrock_mantle: "aws-bedrock",
  amazon_nova: "aws-bedrock",
  together_ai: "together",
  fireworks_ai: "fireworks",
  codestral: "mistral",
  "text-completion-codestral": "mistral",
  cohere_chat: "cohere",
  dashscope: "alibaba",
  vercel_ai_gateway: "vercel",
  friendliai: "friendli",
  "text-completion-inception": "inception",
  meta_llama: "meta",
  fal_ai: "fal",
  nvidia_nim: "nvidia",
};

/** The same providers as `@pydantic/genai-prices` names them. */
const dated: readonly (readonly [ours: string, theirs: string])[] = [
  ["anthropic", "anthropic"],
  ["openai", "openai"],
  ["google", "google"],
  ["mistral", "mistral"],
  ["xai", "x-ai"],
];

/** Sold by the seat: what the map lists of them are models, not prices. */
const plans: ReadonlySet<string> = new Set(["github_copilot", "chatgpt"]);

const classes = {
  input: "input_cost_per_token",
  output: "output_cost_per_token",
  reasoning: "output_cost_per_reasoning_token",
  cacheRead: "cache_read_input_token_cost",
  cacheWrite5m: "cache_creation_input_token_cost",
  cacheWrite1h: "cache_creation_input_token_cost_above_1hr",
} as const;
const theirClasses = {
  input: "input_mtok",
  output: "output_mtok",
  cacheRead: "cache_read_mtok",
  cacheWrite5m: "cache_write_mtok",
  cacheWrite1h: "cache_write_1h_mtok",
} as const;
const tiers = { standard: "", batch: "_batches", flex: "_flex", priority: "_priority" } as const;
const thresholds = [0, 128_000, 200_000, 256_000, 272_000, 512_000] as const;

type Fields = Readonly<Record<string, unknown>>;

const file = must(process.argv[2], "usage: node scripts/prices.ts MODEL_PRICES.json");
const map = parseAsText(readFileSync(file, "utf8"));
const rows = new Map<string, PriceRowData>();
for (const [name, fields] of Object.entries(map)) {
  const row = name === "sample_spec" ? null : seedRow(name, fields as Fields);
  if (row !== null) rows.set(`${row.provider} ${row.model}`, row);
}
const all = [...rows.values(), ...laterRows([...rows.values()])].sort((a, b) =>
  compare(`${a.provider} ${a.model} ${a.from ?? ""}`, `${b.provider} ${b.model} ${b.from ?? ""}`),
);
writeFileSync(
  new URL("../shared/src/prices/book.data.json", import.meta.url),
  `[\n${all.map((row) => JSON.stringify(row)).join(",\n")}\n]\n`,
);
process.stdout.write(`${all.length} rows, ${all.length - rows.size} of them later changes\n`);

/** JSON with every number kept as the text it was written in. */
function parseAsText(text: string): Fields {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === "number" ? (context?.source ?? String(value)) : value,
  ) as Fields;
}

function seedRow(name: string, fields: Fields): PriceRowData | null {
  const theirs = String(fields["litellm_provider"]);
  const provider =
    providers[theirs] ?? (theirs.startsWith("vertex_ai") ? "google-vertex" : theirs.replaceAll("_", "-"));
  if (plans.has(theirs)) return null;
  const bands = { ...bandsOf(fields), ...rangesOf(fields["tiered_pricing"]) };
  if (bands["standard"] === undefined) return null;
  const special = (fields["provider_specific_entry"] ?? {}) as Fields;
  const factors = Object.fromEntries(
    ["fast", "us"].flatMap((key) => {
      const factor = special[key];
      return typeof factor === "string" ? [[key, factor]] : [];
    }),
  );
  return {
    provider,
    model: modelOf(name, theirs),
    bands,
    ...(Object.keys(factors).length > 0 ? { factors } : {}),
  };
}

/** `gemini/gemini-2.5-pro` -> `gemini-2.5-pro`; a name without its provider's prefix stays. */
function modelOf(name: string, provider: string): string {
  const prefix = provider.startsWith("vertex_ai") ? "vertex_ai/" : `${provider.replace(/_chat$/, "")}/`;
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name.replace(/^bedrock\//, "");
  return bare.toLowerCase();
}

function bandsOf(fields: Fields): Record<string, PriceBand[]> {
  const bands: Record<string, PriceBand[]> = {};
  for (const [tier, suffix] of Object.entries(tiers)) {
    const found = thresholds.flatMap((above) => {
      const long = above === 0 ? "" : `_above_${above / 1000}k_tokens`;
      const prices = Object.fromEntries(
        Object.entries(classes).flatMap(([token, field]) => {
          const price = picoText(fields[`${field}${long}${suffix}`]);
          return price === null ? [] : [[token, price]];
        }),
      );
      return isPriced(prices) ? [{ above, ...prices }] : [];
    });
    if (found.length > 0 && found[0]?.above === 0) bands[tier] = found;
  }
  return bands;
}

/** `tiered_pricing`: ranges of the prompt's size, given by their lower end. */
function rangesOf(ranges: unknown): Record<string, PriceBand[]> {
  if (!Array.isArray(ranges)) return {};
  const standard = (ranges as Fields[]).flatMap((range) => {
    const [low] = (range["range"] ?? []) as string[];
    const prices = Object.fromEntries(
      Object.entries(classes).flatMap(([token, field]) => {
        const price = picoText(range[field]);
        return price === null ? [] : [[token, price]];
      }),
    );
    return low === undefined || !isPriced(prices) ? [] : [{ above: Math.round(Number(low)), ...prices }];
  });
  return standard[0]?.above === 0 ? { standard } : {};
}

/** Zero stands for "unknown" in the map as often as for "free": such a row is no price. */
function isPriced(prices: Readonly<Record<string, string>>): boolean {
  return [prices["input"], prices["output"]].some((price) => price !== undefined && price !== "0");
}

function picoText(value: unknown): string | null {
  const price = typeof value === "string" ? parseUnitPrice(value) : null;
  return price?.ok === true ? String(price.value) : null;
}

function laterRows(seeds: readonly PriceRowData[]): PriceRowData[] {
  return dated.flatMap(([ours, theirs]) => {
    const changes = new Set(
      findProvider({ providerId: theirs })?.models.flatMap(({ prices }) =>
        (Array.isArray(prices) ? prices : []).flatMap(({ constraint }) =>
          constraint?.type === "start_date" && constraint.start_date > seedDate
            ? [constraint.start_date]
            : [],
        ),
      ),
    );
    return seeds
      .filter(({ provider }) => provider === ours)
      .flatMap((seed) =>
        [...changes].sort(compare).flatMap((from) => {
          const before = priceOn(theirs, seed.model, Date.parse(`${from}T00:00:00Z`) - 1);
          const after = priceOn(theirs, seed.model, Date.parse(`${from}T12:00:00Z`));
          if (before === null || after === null || JSON.stringify(before) === JSON.stringify(after))
            return [];
          return [{ provider: ours, model: seed.model, from, bands: { standard: bandsFrom(after) } }];
        }),
      );
  });
}

function priceOn(providerId: string, model: string, at: number): ModelPrice | null {
  const price = calcPrice({ input_tokens: 1 }, model, { providerId, timestamp: new Date(at) });
  return price?.model_price ?? null;
}

/** A tier of theirs, too, holds for prompts larger than its start. A million pico-dollars a token is a dollar a million tokens. */
function bandsFrom(price: ModelPrice): PriceBand[] {
  const starts = new Set([0]);
  for (const value of Object.values(price)) {
    if (typeof value === "object") for (const { start } of value.tiers) starts.add(start);
  }
  return [...starts]
    .sort((a, b) => a - b)
    .map((start) => {
      const prices = Object.entries(theirClasses).flatMap(([token, key]) => {
        const value = price[key];
        if (value === undefined) return [];
        const tier =
          typeof value === "number"
            ? value
            : (value.tiers.findLast((tier) => tier.start <= start)?.price ?? value.base);
        return [[token, String(must(parsed(`${tier}e-6`), "a number is a decimal"))]];
      });
      return { above: start, ...Object.fromEntries(prices) } as PriceBand;
    });
}

function parsed(text: string): bigint | null {
  const price = parseUnitPrice(text);
  return price.ok ? price.value : null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
