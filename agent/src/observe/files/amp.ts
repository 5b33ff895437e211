/** Amp's threads, rewritten whole every turn: a ledger of charged events, and messages that know the cached parts. */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { readAnswers, readForeign, type AnswersRead } from "./answers.ts";
import { fields, instant, items, name, type Fields } from "./json.ts";
import type { DocumentReader } from "./reader.ts";

export const amp: DocumentReader = {
  kind: "document",
  tool: "amp",
  read(document) {
    const thread = fields(document);
    const id = name(thread["id"]);
    const ledger = fields(thread["usageLedger"])["events"];
    const messages = items(thread["messages"]).map(fields);
    const events = items(ledger).map(fields);
    const toolVersion = name(fields(fields(fields(thread["env"])["initial"])["platform"])["clientVersion"]);
    if (!Array.isArray(thread["messages"]) && !Array.isArray(ledger)) {
      return { ...readForeign(document), toolVersion };
    }
    return { ...readThread(events, messages, id), toolVersion };
  },
};

function readThread(events: readonly Fields[], messages: readonly Fields[], id: string | null): AnswersRead {
  return events.length > 0
    ? readAnswers(
        events,
        (event) => readEvent(event, messages, id),
        ({ model }) => name(model) !== null,
      )
    : readAnswers(messages, (message) => readMessage(message, id), isComplete);
}

/** Answers are also streaming, cancelled or failed. */
function isComplete({ role, state }: Fields): boolean {
  return role === "assistant" && fields(state)["type"] === "complete";
}

function readEvent(event: Fields, messages: readonly Fields[], thread: string | null): Sighting[] {
  const id = name(event["id"]);
  const to = event["toMessageId"];
  const message =
    to === undefined ? undefined : messages.find((one) => (one["messageId"] ?? one["id"]) === to);
  const usage = readUsage(fields(message?.["usage"])) ?? readUsage(renamed(fields(event["tokens"])));
  return id === null ? [] : sighting(`amp:${id}`, event, usage, thread);
}

function readMessage(message: Fields, thread: string | null): Sighting[] {
  const usage = fields(message["usage"]);
  const id = message["messageId"] ?? message["id"];
  if (typeof id !== "string" && typeof id !== "number") return [];
  return sighting(`amp:${thread ?? "unnamed"}:${id}`, usage, readUsage(usage), thread);
}

function sighting(
  callId: string,
  at: Fields,
  counts: TokenCounts | null,
  sessionId: string | null,
): Sighting[] {
  const occurredAt = instant(at["timestamp"]);
  if (occurredAt === null || counts === null) return [];
  return [
    logSighting({
      callId,
      tool: "amp",
      provider: "amp",
      model: name(at["model"]),
      place: { occurredAt, sessionId },
      tokens: counts,
    }),
  ];
}

function renamed(ledger: Fields): Fields {
  return { inputTokens: ledger["input"], outputTokens: ledger["output"] };
}

function readUsage(usage: Fields): TokenCounts | null {
  const input = readCount(usage["inputTokens"]);
  const output = readCount(usage["outputTokens"]);
  if (input === null || output === null) return null;
  return {
    input,
    output,
    cacheRead: readCount(usage["cacheReadInputTokens"]),
    cacheWrite5m: readCount(usage["cacheCreationInputTokens"]),
    cacheWrite1h: null,
    reasoning: null,
  };
}
