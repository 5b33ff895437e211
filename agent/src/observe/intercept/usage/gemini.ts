import { readCount } from "@flowstate/shared/tokens";
import { fields, id, items, name, type Fields } from "../../files/json.ts";
import {
  place,
  sum,
  text,
  withSaid,
  withSound,
  withTokens,
  without,
  type Fold,
  type Said,
} from "./reading.ts";

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
  return withSaid(withSound(next, soundOf(usage)), listed.flatMap(readCandidate));
};

const detailFields = ["promptTokensDetails", "candidatesTokensDetails", "responseTokensDetails"];

function soundOf(usage: Fields): number | null {
  const details = detailFields.flatMap((field) => items(usage[field])).map(fields);
  return sum(
    ...details.filter(({ modality }) => modality === "AUDIO").map(({ tokenCount }) => readCount(tokenCount)),
  );
}

function readCandidate(candidate: Fields, at: number): readonly Said[] {
  const index = place(candidate["index"], at);
  return items(fields(candidate["content"])["parts"])
    .map(fields)
    .map((part) => ({ part: `${index} ${String(part["thought"] === true)}`, text: text(part["text"]) }));
}

/**
 * The messages of one turn of Gemini Live. Its usage comes once for each answer of the model and is what that answer is
 * charged for, the whole context included; thoughts are outside of the figures beside them, as above.
 */
export const foldGeminiLive: Fold = (reading, message) => {
  const content = fields(message["serverContent"]);
  const usage = fields(message["usageMetadata"]);
  const { candidatesTokenCount, responseTokenCount = candidatesTokenCount } = usage;
  const parts = items(fields(content["modelTurn"])["parts"]).map(fields);
  const counted = foldGemini(reading, {
    usageMetadata: { ...usage, candidatesTokenCount: responseTokenCount },
  });
  const next = {
    ...counted,
    stopped: reading.stopped || "usageMetadata" in message,
    failed: reading.failed || content["interrupted"] === true,
  };
  return withSaid(next, [
    ...parts.map((part) => ({ part: String(part["thought"] === true), text: text(part["text"]) })),
    { part: "transcript", text: text(fields(content["outputTranscription"])["text"]) },
  ]);
};
