/** Amp's threads, rewritten whole every turn: a ledger of charged events, and messages that know the cached parts. */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { fields, instant, items, name, type Fields } from "./json.ts";
import type { DocumentReader } from "./reader.ts";

export const amp: DocumentReader = {
  kind: "document",
  tool: "amp",
  read(document) {
    const thread = fields(document);
    const id = name(thread["id"]);
    const messages = items(thread["messages"]).map(fields);
    const events = items(fields(thread["usageLedger"])["events"]).map(fields);
    return events.length > 0
      ? events.flatMap((event) => readEvent(event, messages, id))
      : messages.flatMap((message) => readMessage(message, id));
  },
};

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
