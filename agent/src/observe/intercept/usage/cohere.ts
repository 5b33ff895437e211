import { readCount } from "@flowstate/shared/tokens";
import { fields, id, items } from "../../files/json.ts";
import { place, text, withSaid, withTokens, type Fold } from "./reading.ts";

/**
 * Cohere v2 (`usage`, in a stream on `message-end`) and v1 (`meta`, in a stream on `stream-end`). The billed units are
 * what is charged; the plain token counts beside them include the vendor's own preamble.
 */
export const foldCohere: Fold = (reading, document) => {
  const delta = fields(document["delta"]);
  const body = "response" in document ? fields(document["response"]) : document;
  const usage = fields(delta["usage"] ?? body["usage"] ?? body["meta"]);
  const units = fields(usage["billed_units"] ?? usage["tokens"]);
  const isEnd = document["type"] === "message-end" || document["event_type"] === "stream-end";
  const finished = isEnd || typeof body["finish_reason"] === "string";
  const content = items(fields(body["message"])["content"]).map((part, index) => ({
    part: String(index),
    text: text(fields(part)["text"]),
  }));
  const streamed = text(fields(fields(delta["message"])["content"])["text"]);
  const next = {
    ...reading,
    id: id(document["id"]) ?? id(body["generation_id"]) ?? reading.id,
    stopped: reading.stopped || finished,
  };
  const counted = withTokens(next, {
    input: readCount(units["input_tokens"]),
    output: readCount(units["output_tokens"]),
  });
  return withSaid(counted, [
    ...content,
    { part: String(place(document["index"])), text: streamed },
    { part: "text", text: text(document["text"]) },
  ]);
};
