import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { fields, items, type Fields } from "../../files/json.ts";
import { foldAnthropic } from "./anthropic.ts";
import { foldOpenAi } from "./openai.ts";
import { place, sum, text, withSaid, withTokens, type Fold, type Reading } from "./reading.ts";

/**
 * Converse, whole or one event of its stream, as the payload stands in the message. Input excludes what was cached;
 * `cacheDetails` splits the write by its time to live.
 */
export const foldConverse: Fold = (reading, document) => {
  const usage = fields(document["usage"]);
  const delta = fields(document["delta"]);
  const message = fields(fields(document["output"])["message"]);
  const content = items(message["content"]).map((block, index) => ({
    part: String(index),
    text: text(fields(block)["text"]),
  }));
  const part = String(place(document["contentBlockIndex"]));
  const stopped = typeof document["stopReason"] === "string";
  const tier = text(fields(document["serviceTier"])["type"]);
  const next = {
    ...reading,
    stopped: reading.stopped || stopped,
    terms: tier === "" ? reading.terms : { ...reading.terms, serviceTier: tier },
  };
  return withSaid(withTokens(next, readConverseUsage(usage)), [
    ...content,
    { part, text: text(delta["text"]) },
    { part, text: text(fields(delta["toolUse"])["input"]) },
  ]);
};

/**
 * InvokeModel: the body is in the shape of the model's own vendor, and the last event of a stream carries Bedrock's
 * own figures, which hold where the vendor's shape has none.
 */
export const foldInvoke: Fold = (reading, document) => {
  const metrics = fields(document["amazon-bedrock-invocationMetrics"]);
  const isEnd = Object.keys(metrics).length > 0;
  const own = foldVendorShape(reading, document);
  const missing = onlyMissing(own.tokens, readInvocationMetrics(metrics));
  return withTokens({ ...own, stopped: own.stopped || isEnd }, missing);
};

/** Counts in the answer's head, for a model whose body has none. */
export function readInvokeHeaders(header: (name: string) => string | null): Partial<TokenCounts> {
  const count = (name: string): number | null => readCount(header(`x-amzn-bedrock-${name}-token-count`));
  return {
    input: count("input"),
    output: count("output"),
    cacheRead: count("cache-read-input"),
    cacheWrite5m: count("cache-write-input"),
  };
}

export function onlyMissing(known: TokenCounts, more: Partial<TokenCounts>): Partial<TokenCounts> {
  return Object.fromEntries(
    Object.entries(more).filter(([name]) => known[name as keyof TokenCounts] === null),
  );
}

function foldVendorShape(reading: Reading, document: Fields): Reading {
  const usage = fields(document["usage"]);
  if ("inputTokens" in usage) return foldConverse(reading, document);
  if ("prompt_tokens" in usage || "choices" in document) return foldOpenAi(reading, document);
  const isLlama = "generation_token_count" in document || "generation" in document;
  if (isLlama) {
    const next = withTokens(reading, {
      input: readCount(document["prompt_token_count"]),
      output: readCount(document["generation_token_count"]),
    });
    const stopped = reading.stopped || typeof document["stop_reason"] === "string";
    return withSaid({ ...next, stopped }, [{ part: "generation", text: text(document["generation"]) }]);
  }
  if ("inputTextTokenCount" in document) {
    const results = items(document["results"]).map(fields);
    const next = withTokens(reading, {
      input: readCount(document["inputTextTokenCount"]),
      output: sum(...results.map(({ tokenCount }) => readCount(tokenCount))),
    });
    return withSaid(
      next,
      results.map(({ outputText }, index) => ({ part: String(index), text: text(outputText) })),
    );
  }
  return foldAnthropic(reading, document);
}

function readConverseUsage(usage: Fields): Partial<TokenCounts> {
  const written = readCount(usage["cacheWriteInputTokens"]);
  const details = items(usage["cacheDetails"]).map(fields);
  const hour = sum(
    ...details.filter(({ ttl }) => ttl === "1h").map((part) => readCount(part["inputTokens"])),
  );
  return {
    input: readCount(usage["inputTokens"]),
    output: readCount(usage["outputTokens"]),
    cacheRead: readCount(usage["cacheReadInputTokens"]),
    cacheWrite5m: written === null ? null : Math.max(0, written - (hour ?? 0)),
    cacheWrite1h: written === null ? null : (hour ?? 0),
  };
}

function readInvocationMetrics(metrics: Fields): Partial<TokenCounts> {
  return {
    input: readCount(metrics["inputTokenCount"]),
    output: readCount(metrics["outputTokenCount"]),
    cacheRead: readCount(metrics["cacheReadInputTokenCount"]),
    cacheWrite5m: readCount(metrics["cacheWriteInputTokenCount"]),
  };
}
