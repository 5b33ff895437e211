/**
 * Gemini CLI's events (google-gemini/gemini-cli, `docs/cli/telemetry.md`). Cached tokens are inside input, thoughts are
 * outside output, and what tools put into the prompt is outside input. They name the prompt and not the answer to it.
 */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { name, type Fields } from "../files/json.ts";
import { eventSighting, readMs, readStatus, type EventReader } from "./reading.ts";

export const geminiCliEvents: EventReader = {
  tool: "gemini-cli",
  emits: (service) => service.startsWith("gemini-cli"),
  // Its `service.version` is that of Node.
  versionOf: () => null,
  read(event) {
    const { attributes, names } = event;
    if (!names.includes("gemini_cli.api_response")) return "no_call";
    const counts = readCounts(attributes);
    if (counts === null) return "not_understood";
    return eventSighting(event, {
      names: [],
      sessionId: name(attributes["session.id"]),
      toolVersion: null,
      tool: "gemini-cli",
      provider: "google",
      model: name(attributes["model"]),
      tokens: counts,
      status: readStatus(attributes["status_code"]),
      durationMs: readMs(attributes["duration_ms"]),
    });
  },
};

function readCounts(attributes: Fields): TokenCounts | null {
  const input = readCount(attributes["input_token_count"]);
  const output = readCount(attributes["output_token_count"]);
  if (input === null || output === null) return null;
  const cached = readCount(attributes["cached_content_token_count"]) ?? 0;
  const thoughts = readCount(attributes["thoughts_token_count"]) ?? 0;
  return {
    input: Math.max(0, input - cached) + (readCount(attributes["tool_token_count"]) ?? 0),
    output: output + thoughts,
    cacheRead: cached,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    reasoning: thoughts,
  };
}
