import { readCount } from "@flowstate/shared/tokens";
import { fields, id, items, name, type Fields } from "../../files/json.ts";
import { place, sum, text, withSaid, withTokens, without, type Fold, type Said } from "./reading.ts";

/**
 * Gemini `generateContent` and `streamGenerateContent`, on Vertex too, and Code Assist, which wraps the same in
 * `response`. Every chunk carries counts and the last one wins. Cached tokens are inside the prompt, tokens of tool
 * results and thoughts are outside of the figures beside them.
 */
export const foldGemini: Fold = (reading, document) => {
  const body = "response" in document ? fields(document["response"]) : document;
  const usage = fields(body["usageMetadata"]);
  const prompt = readCount(usage["promptTokenCount"]);
  const cached = readCount(usage["cachedContentTokenCount"]);
  const candidates = readCount(usage["candidatesTokenCount"]);
  const thoughts = readCount(usage["thoughtsTokenCount"]);
  const isPresent = prompt !== null;
  const listed = items(body["candidates"]).map(fields);
  const next = withTokens(
    {
      ...reading,
      id: id(body["responseId"]) ?? reading.id,
      model: name(body["modelVersion"]) ?? reading.model,
      stopped: reading.stopped || listed.some(({ finishReason }) => typeof finishReason === "string"),
    },
    {
      input: sum(without(prompt, cached), readCount(usage["toolUsePromptTokenCount"])),
      cacheRead: isPresent ? (cached ?? 0) : null,
      cacheWrite5m: isPresent ? 0 : null,
      cacheWrite1h: isPresent ? 0 : null,
      output: sum(candidates, thoughts),
      reasoning: isPresent ? (thoughts ?? 0) : null,
    },
  );
  return withSaid(next, listed.flatMap(readCandidate));
};

function readCandidate(candidate: Fields, at: number): readonly Said[] {
  const index = place(candidate["index"], at);
  return items(fields(candidate["content"])["parts"])
    .map(fields)
    .map((part) => ({ part: `${index} ${String(part["thought"] === true)}`, text: text(part["text"]) }));
}
