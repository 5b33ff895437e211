import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { fields, id, items, name, type Fields } from "../../files/json.ts";
import { place, text, withSaid, withTokens, type Fold, type Reading, type Said } from "./reading.ts";

/**
 * Anthropic messages, whole or streamed. Counts are disjoint already. `message_start` holds the prompt and a stub of
 * the output; each `message_delta` holds counts so far, null where it does not repeat them.
 */
export const foldAnthropic: Fold = (reading, document) => {
  switch (document["type"]) {
    case "message_start":
      return foldMessage(reading, fields(document["message"]));
    case "message":
      return foldMessage(reading, document);
    case "message_delta": {
      const stopped = typeof fields(document["delta"])["stop_reason"] === "string";
      return foldUsage({ ...reading, stopped: reading.stopped || stopped }, fields(document["usage"]));
    }
    case "content_block_delta":
      return withSaid(reading, readBlock(fields(document["delta"]), document["index"]));
    default:
      return reading;
  }
};

function foldMessage(reading: Reading, message: Fields): Reading {
  const known = {
    ...reading,
    id: id(message["id"]) ?? reading.id,
    model: name(message["model"]) ?? reading.model,
    stopped: reading.stopped || typeof message["stop_reason"] === "string",
  };
  const content = items(message["content"]).flatMap((block, index) => readBlock(fields(block), index));
  return withSaid(foldUsage(known, fields(message["usage"])), content);
}

function foldUsage(reading: Reading, usage: Fields): Reading {
  const { terms, tokens } = reading;
  const counts = readAnthropicUsage(usage);
  // A later event that repeats the sum of writes alone must not wipe out the split of an earlier one.
  const isSum = counts.cacheWrite1h === null && tokens.cacheWrite1h !== null;
  return {
    ...withTokens(reading, isSum ? { ...counts, cacheWrite5m: null } : counts),
    terms: {
      ...terms,
      serviceTier: name(usage["service_tier"]) ?? terms.serviceTier,
      speed: name(usage["speed"]) ?? terms.speed,
      inferenceGeo: name(usage["inference_geo"]) ?? terms.inferenceGeo,
    },
  };
}

export function readAnthropicUsage(usage: Fields): Partial<TokenCounts> {
  const split = fields(usage["cache_creation"]);
  const five = readCount(split["ephemeral_5m_input_tokens"]);
  const hour = readCount(split["ephemeral_1h_input_tokens"]);
  const written = readCount(usage["cache_creation_input_tokens"]);
  const isSplit = five !== null || hour !== null;
  return {
    input: readCount(usage["input_tokens"]),
    cacheRead: readCount(usage["cache_read_input_tokens"]),
    cacheWrite5m: isSplit ? (five ?? 0) : written,
    cacheWrite1h: isSplit ? (hour ?? 0) : written === 0 ? 0 : null,
    output: readCount(usage["output_tokens"]),
    reasoning: readCount(fields(usage["output_tokens_details"])["thinking_tokens"]),
  };
}

function readBlock(block: Fields, index: unknown): readonly Said[] {
  const part = String(place(index));
  return [block["text"], block["thinking"], block["partial_json"]].map((value) => ({
    part,
    text: text(value),
  }));
}
