import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { fields, id, items, name, type Fields } from "../../files/json.ts";
import { text, withText, withTokens, without, type Fold, type Reading } from "./reading.ts";

/**
 * Chat completions, legacy completions, embeddings, images and Responses of OpenAI and of everyone who speaks its
 * dialect, whole or streamed. Cached tokens are a part of the prompt, reasoning is a part of the output.
 */
export const foldOpenAi: Fold = (reading, document) => {
  const isEvent = typeof document["type"] === "string" && document["type"].startsWith("response.");
  if (!isEvent) return withText(foldBody(reading, document), outputText(document));
  const body = fields(document["response"]);
  const delta = typeof document["delta"] === "string" ? document["delta"] : "";
  const ended = endEvents.has(document["type"] as string);
  const next = foldBody({ ...reading, stopped: reading.stopped || ended }, body);
  // The last event repeats the text of those before it.
  return withText(next, ended && reading.text === "" ? outputText(body) : delta);
};

const endEvents = new Set(["response.completed", "response.incomplete", "response.failed", "response.done"]);

function foldBody(reading: Reading, body: Fields): Reading {
  const { choiceText, finished } = readChoices(items(body["choices"]));
  const tier = name(body["service_tier"]);
  const next = {
    ...reading,
    id: id(body["id"]) ?? reading.id,
    model: name(body["model"]) ?? reading.model,
    terms: tier === null ? reading.terms : { ...reading.terms, serviceTier: tier },
    stopped: reading.stopped || finished,
  };
  const usage = body["usage"] ?? fields(body["x_groq"])["usage"];
  return withText(withTokens(next, readOpenAiUsage(fields(usage))), choiceText);
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

function readChoices(choices: readonly unknown[]): {
  readonly choiceText: string;
  readonly finished: boolean;
} {
  let choiceText = "";
  let finished = false;
  for (const choice of choices.map(fields)) {
    const message = fields(choice["delta"] ?? choice["message"]);
    const calls = items(message["tool_calls"]).map((call) =>
      text(fields(fields(call)["function"])["arguments"]),
    );
    choiceText += text(message["content"]) + text(message["reasoning_content"]) + text(message["reasoning"]);
    choiceText += text(choice["text"]) + calls.join("");
    finished ||= typeof choice["finish_reason"] === "string";
  }
  return { choiceText, finished };
}

function outputText(body: Fields): string {
  return items(body["output"])
    .flatMap((item) => items(fields(item)["content"]))
    .map((part) => text(fields(part)["text"]))
    .join("");
}
