import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { fields, id, items, name, type Fields } from "../../files/json.ts";
import { place, text, withSaid, withTokens, without, type Fold, type Reading, type Said } from "./reading.ts";

/**
 * Chat completions, legacy completions, embeddings, images and Responses of OpenAI and of everyone who speaks its
 * dialect, whole or streamed. Cached tokens are a part of the prompt, reasoning is a part of the output.
 */
export const foldOpenAi: Fold = (reading, document) => {
  const isEvent = typeof document["type"] === "string" && document["type"].startsWith("response.");
  if (!isEvent) return withSaid(foldBody(reading, document), readOutput(document));
  const body = fields(document["response"]);
  const delta = typeof document["delta"] === "string" ? document["delta"] : "";
  const ended = endEvents.has(document["type"] as string);
  const next = foldBody({ ...reading, stopped: reading.stopped || ended }, body);
  // The last event repeats the text of those before it.
  if (ended && reading.text === "") return withSaid(next, readOutput(body));
  return withSaid(next, [{ part: partOf(document), text: delta }]);
};

const endEvents = new Set(["response.completed", "response.incomplete", "response.failed", "response.done"]);

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
  const usage = body["usage"] ?? fields(body["x_groq"])["usage"];
  return withSaid(withTokens(next, readOpenAiUsage(fields(usage))), choices.flatMap(readChoice));
}

/** Both spellings: `prompt_tokens` of chat completions and `input_tokens` of Responses. */
export function readOpenAiUsage(usage: Fields): Partial<TokenCounts> {
  const prompt = readCount(usage["prompt_tokens"] ?? usage["input_tokens"]);
  const details = usage["prompt_tokens_details"] ?? usage["input_tokens_details"];
  const cached = readCount(
    fields(details)["cached_tokens"] ?? usage["prompt_cache_hit_tokens"] ?? usage["cached_tokens"],
  );
  const written = readCount(fields(details)["cache_write_tokens"]);
  const outputDetails = fields(usage["completion_tokens_details"] ?? usage["output_tokens_details"]);
  return {
    input: without(prompt, cached, written),
    cacheRead: cached,
    cacheWrite5m: written,
    output: readCount(usage["completion_tokens"] ?? usage["output_tokens"]),
    reasoning: readCount(outputDetails["reasoning_tokens"]),
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
