/** Cline and its relatives Roo Code and Kilo Code in the editor, and Cline's command line: one document a task. */
import { basename, dirname } from "node:path";
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { readAnswers, readForeign } from "./answers.ts";
import { fields, instant, items, name, parseFields, type Fields } from "./json.ts";
import type { DocumentReader } from "./reader.ts";

/** `ui_messages.json`: a request is an element whose text is JSON again. */
export function clineTask(tool: "cline" | "roo-code" | "kilo-code"): DocumentReader {
  return {
    kind: "document",
    tool,
    read(document, file) {
      const task = basename(dirname(file));
      if (!Array.isArray(document)) return { ...readForeign(document), toolVersion: null };
      const read = readAnswers(
        requestsOf(items(document).map(fields)),
        ({ message }) => readRequest(message, tool, task),
        isAnswered,
      );
      return { ...read, toolVersion: null };
    },
  };
}

/** A request, and what stands between it and the next. */
interface Request {
  readonly message: Fields;
  readonly followedBy: readonly Fields[];
  readonly isLast: boolean;
}

function requestsOf(messages: readonly Fields[]): readonly Request[] {
  const starts = messages.flatMap(({ say }, index) => (say === "api_req_started" ? [index] : []));
  return starts.map((start, index) => ({
    message: messages[start] ?? {},
    followedBy: messages.slice(start + 1, starts[index + 1]),
    isLast: index + 1 === starts.length,
  }));
}

/**
 * Counts are written into a request once its answer has ended, at the latest when the next one begins. One that was
 * cancelled says so, and one that failed leaves nothing that the model said.
 */
function isAnswered({ message: { text }, followedBy, isLast }: Request): boolean {
  const { cancelReason = null, streamingFailedMessage = null } =
    (typeof text === "string" ? parseFields(text) : null) ?? {};
  return !isLast && cancelReason === null && streamingFailedMessage === null && followedBy.some(isByModel);
}

const modelSays: ReadonlySet<unknown> = new Set(["text", "reasoning", "tool", "completion_result"]);
const modelAsks: ReadonlySet<unknown> = new Set(["tool", "command", "followup", "completion_result"]);

function isByModel({ say, ask }: Fields): boolean {
  return modelSays.has(say) || modelAsks.has(ask);
}

function readRequest(message: Fields, tool: string, task: string): Sighting[] {
  const occurredAt = instant(message["ts"]);
  const text = message["text"];
  if (occurredAt === null || typeof text !== "string") return [];
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
    const list = Array.isArray(document) ? document : fields(document)["messages"];
    if (!Array.isArray(list)) return { ...readForeign(document), toolVersion: null };
    const messages = items(list).map(fields);
    const read = readAnswers(
      messages,
      (message, index) => readMessage(message, session, index),
      (message, index) => index + 1 < messages.length && isSpoken(message),
    );
    return { ...read, toolVersion: null };
  },
};

/** An answer that failed or was cancelled before its first word has no content. */
function isSpoken({ role, content }: Fields): boolean {
  return (
    role === "assistant" && (items(content).length > 0 || (typeof content === "string" && content !== ""))
  );
}

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
