import { fields, id, instant, items, name, type Fields } from "../../observe/files/json.ts";
import { textOf, type LoggedTurn, type TranscriptReader } from "./transcript.ts";

/** Rows of `type: "user"` are also results of tools, notes of the program and summaries: a person wrote none of those. */
export const claudeCodeTranscript: TranscriptReader = {
  marks: ['type":"user"', 'type":"assistant"'],
  start: () => ({}),
  read: readRow,
};

const edits: ReadonlySet<unknown> = new Set(["Edit", "MultiEdit", "Write", "NotebookEdit"]);
const notSaid = [
  "isMeta",
  "isSidechain",
  "isCompactSummary",
  "isVisibleInTranscriptOnly",
  "isApiErrorMessage",
];

function readRow(row: Fields): readonly LoggedTurn[] {
  const { content } = fields(row["message"]);
  const sessionId = name(row["sessionId"]);
  const at = instant(row["timestamp"]);
  if (sessionId === null || at === null || notSaid.some((flag) => row[flag] === true)) return [];
  const parts = items(content).map(fields);
  const said = { sessionId, id: id(row["uuid"]), at, text: textOf(content) };
  if (row["type"] === "assistant") {
    const changed = parts.filter(({ type, name: tool }) => type === "tool_use" && edits.has(tool));
    return [{ ...said, by: "assistant", edits: changed.length }];
  }
  const isResult = parts.some(({ type }) => type === "tool_result");
  return row["type"] !== "user" || isResult ? [] : [{ ...said, by: "person", edits: 0 }];
}
