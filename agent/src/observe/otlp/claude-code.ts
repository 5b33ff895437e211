/**
 * Claude Code's events (code.claude.com, "Monitoring usage"): one a request, which names it as the answer's header does.
 * Its input is without cached tokens; cache writes are one sum, which newer versions also split by lifetime.
 */
import { standardTerms } from "@flowstate/shared/prices/rate";
import { readCount, tokens, unknownTokens } from "@flowstate/shared/tokens";
import { id, name, type Fields } from "../files/json.ts";
import { endOf, eventSighting, firstId, readMs, readStatus, type EventReader } from "./reading.ts";

export const claudeCodeEvents: EventReader = {
  tool: "claude-code",
  emits: (service) => service.startsWith("claude-code"),
  read(event) {
    const { attributes, names } = event;
    const is = (what: string): boolean => names.some((one) => one === what || one === `claude_code.${what}`);
    const isAnswer = is("api_request") || is("llm_request");
    if (!isAnswer && !is("api_error")) return "no_call";
    const requestId = firstId(attributes["request_id"], attributes["gen_ai.response.id"]);
    // A failure without a name may be any attempt of any call.
    if (!isAnswer && requestId === null) return "no_call";
    const counts = isAnswer ? readCounts(attributes) : unknownTokens;
    if (counts === null || endOf(event) === null) return "not_understood";
    const speed = name(attributes["speed"]);
    return eventSighting(event, {
      names: [requestId ?? unnamed(attributes)],
      sessionId: name(attributes["session.id"]),
      sidechain: attributes["query_source"] === "subagent",
      tool: "claude-code",
      provider: providers.get(attributes["anthropic.provider"]) ?? "anthropic",
      model: name(attributes["model"]),
      tokens: counts,
      terms: { ...standardTerms, speed: speed === "normal" ? "standard" : speed },
      status: isAnswer ? 200 : readStatus(attributes["status_code"]),
      durationMs: readMs(attributes["duration_ms"]),
    });
  },
};

/** Events of a conversation are numbered. */
function unnamed(attributes: Fields): string | null {
  const session = id(attributes["session.id"]);
  const sequence = readCount(attributes["event.sequence"]);
  return session === null || sequence === null ? null : `otlp:claude-code:${session}:${sequence}`;
}

function readCounts(attributes: Fields) {
  const input = readCount(attributes["input_tokens"]);
  const output = readCount(attributes["output_tokens"]);
  if (input === null || output === null) return null;
  const written = readCount(attributes["cache_creation_tokens"]);
  const five = readCount(attributes["cache_creation_5m_tokens"]);
  const hour = readCount(attributes["cache_creation_1h_tokens"]);
  const isSplit = five !== null && hour !== null && (written === null || five + hour === written);
  return tokens({
    input,
    output,
    cacheRead: readCount(attributes["cache_read_tokens"]),
    cacheWrite5m: isSplit ? five : written,
    cacheWrite1h: isSplit ? hour : null,
  });
}

/** Whose cloud the model ran in. */
const providers: ReadonlyMap<unknown, string> = new Map([
  ["bedrock", "aws-bedrock"],
  ["vertex", "google-vertex"],
]);
