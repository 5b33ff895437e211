/** Cline and its relatives Roo Code and Kilo Code in the editor, and Cline's command line: one document a task. */
import { basename, dirname } from "node:path";
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { fields, instant, items, name, parseFields, type Fields } from "./json.ts";
import type { DocumentReader } from "./reader.ts";

/** `ui_messages.json`: a request is an element whose text is JSON again. */
export function clineTask(tool: "cline" | "roo-code" | "kilo-code"): DocumentReader {
  return {
    kind: "document",
    tool,
    read(document, file) {
      const task = basename(dirname(file));
      return items(document).flatMap((item) => readRequest(fields(item), tool, task));
    },
  };
}

function readRequest(message: Fields, tool: string, task: string): Sighting[] {
  const occurredAt = instant(message["ts"]);
  const text = message["text"];
  if (message["say"] !== "api_req_started" || occurredAt === null || typeof text !== "string") return [];
  const request = parseFields(text);
  const counts = request === null ? null : readTokens(request);
  if (counts === null) return [];
  return [
    logSighting({
      callId: `${tool}:${task}:${occurredAt}`,
      tool,
      provider: tool,
      model: name(fields(message["modelInfo"])["modelId"]),
      place: { occurredAt, sessionId: name(task) },
      tokens: counts,
    }),
  ];
}

/** Roo says whose counting the API follows: OpenAI's input includes cached tokens, Anthropic's does not. */
function readTokens(request: Fields): TokenCounts | null {
  const input = readCount(request["tokensIn"]);
  const output = readCount(request["tokensOut"]);
  if (input === null || output === null) return null;
  const cacheRead = readCount(request["cacheReads"]);
  const cacheWrite = readCount(request["cacheWrites"]);
  const inside = request["apiProtocol"] === "openai" ? (cacheRead ?? 0) + (cacheWrite ?? 0) : 0;
  return {
    input: Math.max(0, input - inside),
    output,
    cacheRead,
    cacheWrite5m: cacheWrite,
    cacheWrite1h: null,
    reasoning: null,
  };
}

/** `<id>.messages.json` of Cline's command line. */
export const clineCli: DocumentReader = {
  kind: "document",
  tool: "cline-cli",
  read(document, file) {
    const session = basename(dirname(file));
    const messages = Array.isArray(document) ? document : fields(document)["messages"];
    return items(messages).flatMap((item, index) => readMessage(fields(item), session, index));
  },
};

function readMessage(message: Fields, session: string, index: number): Sighting[] {
  const metrics = fields(message["metrics"]);
  const model = fields(message["modelInfo"]);
  const occurredAt = instant(message["ts"] ?? message["timestamp"]);
  const input = readCount(metrics["inputTokens"]);
  const output = readCount(metrics["outputTokens"]);
  if (occurredAt === null || input === null || output === null) return [];
  return [
    logSighting({
      callId: `cline-cli:${session}:${index}`,
      tool: "cline-cli",
      provider: name(model["provider"]) ?? "cline",
      model: name(model["id"]),
      place: { occurredAt, sessionId: name(session) },
      tokens: {
        input,
        output,
        cacheRead: readCount(metrics["cacheReadTokens"]),
        cacheWrite5m: readCount(metrics["cacheWriteTokens"]),
        cacheWrite1h: null,
        reasoning: null,
      },
    }),
  ];
}
