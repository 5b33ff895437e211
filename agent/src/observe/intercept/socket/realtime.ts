import { fields, items, name, type Fields } from "../../files/json.ts";
import { foldTranscription } from "../usage/openai.ts";
import { text } from "../usage/reading.ts";
import type { Asked, OpenCall } from "./calls.ts";
import type { Dialect } from "./dialect.ts";
import { responseTurns } from "./turns.ts";

/** Sound, and what is done to a conversation without saying anything. */
const silent =
  /^(?:(?:in|out)put_audio_buffer\.|response\.cancel$|conversation\.item\.(?:delete|truncate|retrieve)$)/;

const transcription = { fold: foldTranscription, usage: "seldom" } as const;

/** More of them between two answers are no conversation. */
const mostItems = 1000;

/**
 * OpenAI Realtime: a session whose conversation the server holds. An answer is asked for, or begun by the server when
 * the person has stopped to speak, and each is charged for the whole conversation before it. What is transcribed is
 * charged beside it, by another model.
 */
export function realtimeDialect(open: OpenCall, now: () => number, asked: string | null): Dialect {
  const turns = responseTurns(open, { errorsEnd: false });
  let model = asked;
  let transcriber: string | null = null;
  let instructions: unknown = null;
  let said: unknown[] = [];

  const follow = (session: Fields): void => {
    const input = fields(fields(session["audio"])["input"]);
    const transcribing = fields(input["transcription"] ?? session["input_audio_transcription"]);
    model = name(session["model"]) ?? model;
    transcriber = name(transcribing["model"]) ?? transcriber;
    instructions = session["instructions"] ?? instructions;
  };
  const ask = (response: Fields): Asked => {
    const input = "input" in response ? items(response["input"]) : said;
    const body = { model, instructions: response["instructions"] ?? instructions, input };
    said = [];
    return { at: now(), model, body };
  };

  return {
    asks(message) {
      const type = text(message["type"]);
      if (silent.test(type)) return null;
      const session = fields(message["session"]);
      return { model: name(session["model"]) ?? model, body: message };
    },
    client(message) {
      switch (message["type"]) {
        case "conversation.item.create":
          if (said.length < mostItems) said.push(message["item"]);
          return;
        case "response.create":
          return turns.ask("", ask(fields(message["response"])));
        case "session.update":
          return follow(fields(message["session"]));
        default:
      }
    },
    server(event) {
      switch (event["type"]) {
        case "session.created":
        case "session.updated":
          return follow(fields(event["session"]));
        case "conversation.item.input_audio_transcription.completed": {
          const call = open({ at: now(), model: transcriber, body: null }, transcription);
          call.take(event);
          return call.finish(true);
        }
        default:
          turns.event(event, () => ask({}));
      }
    },
    end: turns.end,
  };
}
