import { readCount } from "@flowstate/shared/tokens";
import { fields, name } from "../../files/json.ts";
import { text, withSaid, withTokens, without, type Fold } from "./reading.ts";

/**
 * Ollama chat, generate and embed. The line with `done: true` holds the counts. The prompt's includes what came from
 * the cache; older versions leave it out then, and what is absent is unknown.
 */
export const foldOllama: Fold = (reading, document) => {
  const cached = readCount(document["prompt_eval_cached_count"]);
  const next = {
    ...reading,
    model: name(document["model"]) ?? reading.model,
    stopped: reading.stopped || document["done"] === true,
  };
  const counted = withTokens(next, {
    input: without(readCount(document["prompt_eval_count"]), cached),
    cacheRead: cached,
    output: readCount(document["eval_count"]),
  });
  const message = fields(document["message"]);
  return withSaid(counted, [
    { part: "content", text: text(message["content"]) },
    { part: "thinking", text: text(message["thinking"]) },
    { part: "response", text: text(document["response"]) },
  ]);
};
