import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { fields, id, items, name, type Fields } from "../../files/json.ts";
import {
  place,
  text,
  withSaid,
  withSound,
  withTokens,
  without,
  type Fold,
  type Reading,
  type Said,
} from "./reading.ts";

/**
 * Chat completions, legacy completions, embeddings, images, Responses and Realtime of OpenAI and of everyone who speaks
 * its dialect, whole, streamed or over a WebSocket. Cached tokens are a part of the prompt, reasoning is a part of the
 * output.
 */
export const foldOpenAi: Fold = (reading, document) => {
  const isEvent = typeof document["type"] === "string" && document["type"].startsWith("response.");
  if (!isEvent) return withSaid(foldBody(reading, document), readOutput(document));
  const body = fields(document["response"]);
  const delta = soundEvents.has(document["type"] as string) ? "" : text(document["delta"]);
  const ended = endEvents.has(document["type"] as string);
  // An answer of Realtime ends in the same event, whatever became of it.
  const failed = reading.failed || brokenOff.has(text(body["status"]));
  const next = foldBody({ ...reading, failed, stopped: reading.stopped || ended }, body);
  // The last event repeats the text of those before it.
  if (ended && reading.text === "") return withSaid(next, readOutput(body));
  return withSaid(next, [{ part: partOf(document), text: delta }]);
};

const endEvents = new Set(["response.completed", "response.incomplete", "response.failed", "response.done"]);

const brokenOff = new Set(["failed", "cancelled"]);

/** Their delta is sound in base64; what is said in it comes as a transcript. */
const soundEvents = new Set(["response.audio.delta", "response.output_audio.delta"]);

/** Text, summaries and arguments of an answer may come mixed. */
function partOf(event: Fields): string {
  const places = ["output_index", "content_index", "summary_index"].map((name) => place(event[name]));
  return [text(event["type"]).slice(0, 64), ...places].join(" ");
}

function foldBody(reading: Reading, body: Fields): Reading {
  const choices = items(body["choices"]).map(fields);
  const finished = choices.some((choice) => typeof choice["finish_reason"] === "string");
  const tier = name(body["service_tier"]);
  const next = {
    ...reading,
    id: id(body["id"]) ?? reading.id,
    model: name(body["model"]) ?? reading.model,
    terms: tier === null ? reading.terms : { ...reading.terms, serviceTier: tier },
    stopped: reading.stopped || finished,
  };
  const usage = fields(body["usage"] ?? fields(body["x_groq"])["usage"]);
  return withSaid(withUsage(next, usage), choices.flatMap(readChoice));
}

function withUsage(reading: Reading, usage: Fields): Reading {
  const sounds = [inputDetails(usage), outputDetails(usage)].map((details) =>
    readCount(details["audio_tokens"]),
  );
  return withSound(withTokens(reading, readOpenAiUsage(usage)), ...sounds);
}

function inputDetails(usage: Fields): Fields {
  return fields(
    usage["prompt_tokens_details"] ?? usage["input_tokens_details"] ?? usage["input_token_details"],
  );
}

function outputDetails(usage: Fields): Fields {
  return fields(
    usage["completion_tokens_details"] ?? usage["output_tokens_details"] ?? usage["output_token_details"],
  );
}

/** All spellings: `prompt_tokens` of chat completions, `input_tokens` of Responses, `input_token_details` of Realtime. */
export function readOpenAiUsage(usage: Fields): Partial<TokenCounts> {
  const prompt = readCount(usage["prompt_tokens"] ?? usage["input_tokens"]);
  const details = inputDetails(usage);
  const cached = readCount(
    details["cached_tokens"] ?? usage["prompt_cache_hit_tokens"] ?? usage["cached_tokens"],
  );
  const written = readCount(details["cache_write_tokens"]);
  return {
    input: without(prompt, cached, written),
    cacheRead: cached,
    cacheWrite5m: written,
    output: readCount(usage["completion_tokens"] ?? usage["output_tokens"]),
    reasoning: readCount(outputDetails(usage)["reasoning_tokens"]),
  };
}

function readChoice(choice: Fields, at: number): readonly Said[] {
  const message = fields(choice["delta"] ?? choice["message"]);
  const index = place(choice["index"], at);
  const piece = (name: string, value: unknown): Said => ({
    part: `${index} ${name}`,
    text: text(value),
  });
  return [
    piece("content", message["content"]),
    piece("reasoning_content", message["reasoning_content"]),
    piece("reasoning", message["reasoning"]),
    piece("text", choice["text"]),
    ...items(message["tool_calls"])
      .map(fields)
      .map((call, order) =>
        piece(`tool ${place(call["index"], order)}`, fields(call["function"])["arguments"]),
      ),
  ];
}

function readOutput(body: Fields): readonly Said[] {
  return items(body["output"]).flatMap((item, output) =>
    items(fields(item)["content"]).map((part, content) => ({
      part: `${output} ${content}`,
      text: text(fields(part)["text"]),
    })),
  );
}

/**
 * The end of a transcription in a Realtime session, which is charged by the price of the model that transcribes. What
 * is charged by its duration has no tokens.
 */
export const foldTranscription: Fold = (reading, event) => ({
  ...withUsage(reading, fields(event["usage"])),
  id: id(event["item_id"]),
  stopped: true,
});
