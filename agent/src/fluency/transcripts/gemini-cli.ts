import { fields, id, instant, items, name, type Fields } from "../../observe/files/json.ts";
import { textOf, type LoggedTurn, type TranscriptReader } from "./transcript.ts";

interface State {
  session: string | null;
  subagent: boolean;
}

const edits: ReadonlySet<unknown> = new Set(["write_file", "replace", "edit"]);

/** A head, then one message a line; messages also stand in checkpoints, under the same names. */
export const geminiCliTranscript: TranscriptReader<State> = {
  marks: ['"sessionId"', '"type":"user"', '"type":"gemini"'],
  start: () => ({ session: null, subagent: false }),
  read(row, state) {
    state.session = name(row["sessionId"]) ?? state.session;
    state.subagent ||= row["kind"] === "subagent";
    if (state.session === null || state.subagent) return [];
    const checkpoint = fields(row["$set"])["messages"];
    const { session } = state;
    return (checkpoint === undefined ? [row] : items(checkpoint)).flatMap((message) =>
      readMessage(fields(message), session),
    );
  },
};

function readMessage(message: Fields, sessionId: string): readonly LoggedTurn[] {
  const at = instant(message["timestamp"]);
  const { type } = message;
  if (at === null || (type !== "user" && type !== "gemini")) return [];
  const changed = items(message["toolCalls"]).filter((call) => edits.has(fields(call)["name"]));
  return [
    {
      sessionId,
      id: id(message["id"]),
      at,
      by: type === "user" ? "person" : "assistant",
      text: textOf(message["content"]),
      edits: changed.length,
    },
  ];
}
