import { fields, instant, name, type Fields } from "../../observe/files/json.ts";
import { textOf, type LoggedTurn, type TranscriptReader } from "./transcript.ts";

interface State {
  /** Null before the head, and for threads that begin with a history of another one: its turns were counted there. */
  session: string | null;
  headed: boolean;
}

/** A person's turns stand in events of their own; the model's history also holds what the program adds to them. */
export const codexCliTranscript: TranscriptReader<State> = {
  marks: ['"session_meta"', '"user_message"', 'role":"assistant"', '"apply_patch"'],
  start: () => ({ session: null, headed: false }),
  read(row, state) {
    const payload = fields(row["payload"]);
    if (row["type"] === "session_meta" && !state.headed) {
      state.headed = true;
      state.session = ownSession(payload);
    }
    const at = instant(row["timestamp"]);
    return state.session === null || at === null ? [] : readTurn(row["type"], payload, state.session, at);
  },
};

function readTurn(type: unknown, payload: Fields, sessionId: string, at: number): readonly LoggedTurn[] {
  const said = { sessionId, id: null, at };
  if (type === "event_msg" && payload["type"] === "user_message")
    return [{ ...said, by: "person", text: textOf(payload["message"]), edits: 0 }];
  if (type !== "response_item") return [];
  if (payload["type"] === "message" && payload["role"] === "assistant")
    return [{ ...said, by: "assistant", text: textOf(payload["content"]), edits: 0 }];
  return payload["name"] === "apply_patch" ? [{ ...said, by: "assistant", text: "", edits: 1 }] : [];
}

function ownSession(meta: Fields): string | null {
  const isSubagent = "subagent" in fields(meta["source"]) || meta["thread_source"] === "subagent";
  const others = [meta["forked_from_id"], meta["parent_thread_id"], meta["history_base"]];
  return isSubagent || others.some((other) => name(other) !== null) ? null : name(meta["id"]);
}
