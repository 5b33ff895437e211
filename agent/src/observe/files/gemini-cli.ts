/** Gemini CLI's chat recordings: a head, then one message a line; a message written again under its id is an update. */
import { readCount, type TokenCounts } from "@flowstate/shared/tokens";
import { logSighting, type Sighting } from "../../normalise/sighting.ts";
import { readAnswers, readForeign } from "./answers.ts";
import { fields, instant, items, name, type Fields } from "./json.ts";
import type { DocumentReader, LineReader } from "./reader.ts";

interface State {
  session: string | null;
}

export const geminiCli: LineReader<State> = {
  kind: "lines",
  tool: "gemini-cli",
  marks: ['"tokens"', '"sessionId"'],
  answers: { mark: '"type":"gemini"', isAnswer: ({ type }) => type === "gemini" },
  start: () => ({ session: null }),
  read(row, state) {
    state.session = name(row["sessionId"]) ?? state.session;
    const checkpoint = fields(row["$set"])["messages"];
    return (checkpoint === undefined ? [row] : items(checkpoint)).flatMap((message) =>
      readMessage(fields(message), state.session),
    );
  },
};

/** Recordings of older versions: one document a session. */
export const geminiCliDocument: DocumentReader = {
  kind: "document",
  tool: "gemini-cli",
  read(document) {
    const session = fields(document);
    const id = name(session["sessionId"]);
    if (!Array.isArray(session["messages"])) return { ...readForeign(document), toolVersion: null };
    const turns = turnsOf(items(session["messages"]).map(fields));
    const read = readAnswers(
      turns,
      ({ messages }) => messages.flatMap((message) => readMessage(message, id)),
      ({ messages, next }) => messages[0]?.["type"] === "gemini" && next === "user",
    );
    return { ...read, toolVersion: null };
  },
};

/** Messages of one kind that follow each other, and of which kind the next is; null where none has come yet. */
interface Turn {
  readonly messages: readonly Fields[];
  readonly next: unknown;
}

/**
 * One answer may be several messages, of which one has the counts: they are judged together. They are complete once the
 * person goes on; an error or a notice after them says that the answer broke off.
 */
function turnsOf(messages: readonly Fields[]): readonly Turn[] {
  const ends = messages.flatMap(({ type }, index) =>
    messages[index + 1]?.["type"] === type ? [] : [index + 1],
  );
  return ends.map((end, index) => ({
    messages: messages.slice(ends[index - 1] ?? 0, end),
    next: messages[end]?.["type"] ?? null,
  }));
}

function readMessage(message: Fields, session: string | null): Sighting[] {
  const id = name(message["id"]);
  const occurredAt = instant(message["timestamp"]);
  if (id === null || occurredAt === null || !("tokens" in message)) return [];
  const counts = readTokens(fields(message["tokens"]));
  if (counts === null) return [];
  return [
    logSighting({
      callId: `gemini:${session ?? "unnamed"}:${id}`,
      tool: "gemini-cli",
      provider: "google",
      model: name(message["model"]),
      place: { occurredAt, sessionId: session },
      tokens: counts,
    }),
  ];
}

/** Cached tokens are inside input, thoughts are outside output, tool-use prompts are outside input. */
function readTokens(given: Fields): TokenCounts | null {
  const input = readCount(given["input"]);
  const output = readCount(given["output"]);
  if (input === null || output === null) return null;
  const cached = readCount(given["cached"]) ?? 0;
  const thoughts = readCount(given["thoughts"]) ?? 0;
  return {
    input: Math.max(0, input - cached) + (readCount(given["tool"]) ?? 0),
    output: output + thoughts,
    cacheRead: cached,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    reasoning: thoughts,
  };
}
