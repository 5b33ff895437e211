import { name } from "../../files/json.ts";
import type { OpenCall } from "./calls.ts";
import type { Dialect } from "./dialect.ts";
import { laneOf, responseTurns } from "./turns.ts";

/**
 * OpenAI Responses over a WebSocket: each `response.create` is a request body, and the events are those of the stream
 * over HTTP. One that only warms a conversation up (`generate: false`) is a call too, for its prompt is counted.
 */
export function responsesDialect(open: OpenCall, now: () => number): Dialect {
  const turns = responseTurns(open, { errorsEnd: true });
  return {
    asks: (message) =>
      message["type"] === "response.cancel" ? null : { model: name(message["model"]), body: message },
    client(message) {
      if (message["type"] !== "response.create") return;
      turns.ask(laneOf(message), { at: now(), model: name(message["model"]), body: message });
    },
    server: (event) => turns.event(event, () => ({ at: now(), model: null, body: null })),
    end: turns.end,
  };
}
