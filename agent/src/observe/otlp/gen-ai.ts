/**
 * The GenAI semantic conventions of OpenTelemetry, as Copilot and instrumented programs emit them: a span of one model
 * request, and a log record of the same. Both name the answer, or at least the span, so that they are one call. Spans
 * of a whole agent turn repeat the sums of their requests and are no calls.
 */
import { readCount } from "@flowstate/shared/tokens";
import { name, type Fields } from "../files/json.ts";
import type { OtlpEvent } from "./records.ts";
import { eventSighting, firstId, inclusive, type EventReader } from "./reading.ts";

const operations = new Set(["chat", "text_completion", "generate_content", "embeddings"]);

export const genAiEvents: EventReader = {
  tool: "gen-ai",
  emits: () => true,
  read(event) {
    const { attributes, names, startedAt } = event;
    const isRequest =
      startedAt === null
        ? names.includes("gen_ai.client.inference.operation.details")
        : operations.has(String(attributes["gen_ai.operation.name"]));
    if (!isRequest) return "no_call";
    const counts = inclusive({
      input: readCount(attributes["gen_ai.usage.input_tokens"] ?? attributes["gen_ai.usage.prompt_tokens"]),
      output: readOutput(attributes),
      cacheRead: readCount(attributes["gen_ai.usage.cache_read.input_tokens"]),
      cacheWrite: readCount(attributes["gen_ai.usage.cache_creation.input_tokens"]),
      reasoning: readCount(attributes["gen_ai.usage.reasoning.output_tokens"]),
    });
    // A request that failed or was given up has no usage; that is no drift.
    if (counts === null) return "no_call";
    const tool = toolOf(event);
    return eventSighting(event, {
      names: [firstId(attributes["gen_ai.response.id"], event.span), event.span].filter(
        (one, index, all) => all.indexOf(one) === index,
      ),
      sessionId: name(attributes["gen_ai.conversation.id"]) ?? name(attributes["copilot_chat.session_id"]),
      tool,
      provider: providerOf(attributes),
      model: name(attributes["gen_ai.response.model"]) ?? name(attributes["gen_ai.request.model"]),
      tokens: counts,
      durationMs:
        startedAt === null || event.endedAt === null ? null : Math.max(0, event.endedAt - startedAt),
    });
  },
};

/** Embeddings have a prompt and no output. */
function readOutput(attributes: Fields): number | null {
  const output = readCount(
    attributes["gen_ai.usage.output_tokens"] ?? attributes["gen_ai.usage.completion_tokens"],
  );
  return output ?? (attributes["gen_ai.operation.name"] === "embeddings" ? 0 : null);
}

/** Copilot by the names that its logs and its requests have here; any other program by its own. */
function toolOf({ service, attributes }: OtlpEvent): string {
  if (!service.includes("copilot")) return service;
  return service.includes("chat") || "copilot_chat.session_id" in attributes ? "copilot-chat" : "copilot-cli";
}

/** The conventions' names of providers that we call otherwise. */
const providers: ReadonlyMap<string, string> = new Map([
  ["github", "github-copilot"],
  ["aws.bedrock", "aws-bedrock"],
  ["azure.ai.openai", "azure-openai"],
  ["azure.ai.inference", "azure-openai"],
  ["gcp.gemini", "google"],
  ["gcp.gen_ai", "google"],
  ["gcp.vertex_ai", "google-vertex"],
  ["mistral_ai", "mistral"],
  ["x_ai", "xai"],
]);

function providerOf(attributes: Fields): string {
  const given = name(attributes["gen_ai.provider.name"]) ?? name(attributes["gen_ai.system"]);
  return given === null ? "unknown" : (providers.get(given) ?? given);
}
