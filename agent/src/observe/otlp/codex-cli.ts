/**
 * Codex's events (openai/codex, `codex-rs/otel`): the end of an answer, as it came by SSE or by WebSocket, is told twice,
 * once as any part of a stream and once with the counts. They name the conversation and not the answer.
 */
import { readCount } from "@flowstate/shared/tokens";
import { name, type Fields } from "../files/json.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { eventSighting, firstId, inclusive, type EventReader } from "./reading.ts";

const endings = new Set(["codex.sse_event", "codex.websocket_event"]);

export const codexCliEvents: EventReader = {
  tool: "codex-cli",
  emits: (service) => service.startsWith("codex"),
  read(event) {
    const { attributes, names } = event;
    if (!names.some((one) => endings.has(one))) return "no_call";
    if (attributes["event.kind"] !== "response.completed") return "no_call";
    const counts = inclusive({
      input: readCount(attributes["input_token_count"]),
      output: readCount(attributes["output_token_count"]),
      cacheRead: readCount(attributes["cached_token_count"]),
      cacheWrite: readCount(attributes["cache_write_token_count"]),
      reasoning: readCount(attributes["reasoning_token_count"]),
    });
    if (counts === null) return Object.keys(attributes).some(isCount) ? "not_understood" : "no_call";
    return eventSighting(event, {
      names: [firstId(attributes["response_id"], attributes["response.id"])],
      sessionId: name(attributes["conversation.id"]),
      tool: "codex-cli",
      provider: "openai",
      model: name(attributes["model"]) ?? name(attributes["slug"]),
      tokens: counts,
      billing: billingOf(attributes),
      status: 200,
    });
  },
};

function isCount(attribute: string): boolean {
  return /token|usage/i.test(attribute);
}

function billingOf(attributes: Fields): Sighting["billing"] {
  const mode = name(attributes["auth_mode"])?.toLowerCase() ?? "";
  return mode === "chatgpt" ? "plan" : mode.startsWith("api") ? "metered" : "unknown";
}
