import { forMarkedLines, wholeFile } from "../../observe/files/lines.ts";
import { fields, items, parseFields, type Fields } from "../../observe/files/json.ts";
import type { Conversation, Turn } from "../conversation.ts";

/** A turn as one row of a log has it. */
export interface LoggedTurn extends Turn {
  /** The conversation, by the same name as its calls carry. */
  readonly sessionId: string;
  /** The row's own name: one that comes again under it is an update. Null where rows have none. */
  readonly id: string | null;
  /** UTC epoch milliseconds. */
  readonly at: number;
}

/** Reads the turns of one tool's log of lines. Never throws, whatever a row holds. */
export interface TranscriptReader<State extends object = object> {
  /** As those of a `LineReader`. */
  readonly marks: readonly string[];
  start(): State;
  read(row: Fields, state: State): readonly LoggedTurn[];
}

/** The conversations of a log, with what their person said: text that is judged and let go. */
export function readConversations(
  path: string,
  tool: string,
  reader: TranscriptReader,
): readonly Conversation[] {
  const state = reader.start();
  const turns = new Map<string, LoggedTurn>();
  forMarkedLines(path, wholeFile, reader.marks, (buffer, start, end) => {
    const row = parseFields(buffer.toString("utf8", start, end));
    if (row === null) return;
    for (const turn of reader.read(row, state)) {
      // Answers make up most of a log; a long one is not kept in memory for the fact that it was given.
      turns.set(turn.id ?? `${turns.size}`, turn.by === "person" ? turn : { ...turn, text: "" });
    }
  });
  const sessions = Map.groupBy(turns.values(), ({ sessionId }) => sessionId);
  return [...sessions].flatMap(([sessionId, said]) => {
    const last = said.findLast(({ by }) => by === "person");
    return last === undefined ? [] : [{ sessionId, tool, lastAt: last.at, turns: said }];
  });
}

/** The text of a message: a text itself, or its parts that are text. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  const texts = items(content).map((part) => fields(part)["text"]);
  return texts.filter((text) => typeof text === "string").join("\n");
}
