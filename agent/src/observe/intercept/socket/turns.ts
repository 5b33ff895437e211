import { fields, id, type Fields } from "../../files/json.ts";
import { text } from "../usage/reading.ts";
import type { Asked, OpenCall, SocketCall } from "./calls.ts";

/** Answers of OpenAI on their way over one socket. */
export interface Turns {
  /** The client asked for an answer. */
  ask(lane: string, asked: Asked): void;
  /** An event of the server; `unasked` is what an answer is to that the server began by itself. */
  event(event: Fields, unasked: () => Asked): void;
  end(): void;
}

interface Running {
  readonly lane: string;
  readonly call: SocketCall;
}

const endings = new Set(["response.completed", "response.incomplete", "response.failed", "response.done"]);
/** No program has as many answers on their way at once over one socket. */
const mostAtOnce = 64;

/**
 * Answers are asked for in order within a lane (`stream_id`), and named in the event that begins them; events between
 * carry that name, or belong to the lane's answer that is being given.
 */
export function responseTurns(open: OpenCall, { errorsEnd }: { readonly errorsEnd: boolean }): Turns {
  const waiting: { readonly lane: string; readonly asked: Asked }[] = [];
  const running = new Map<string, Running>();

  const takeWaiting = (lane: string): Asked | null => {
    const at = waiting.findIndex((each) => each.lane === lane);
    return at < 0 ? null : (waiting.splice(at, 1)[0]?.asked ?? null);
  };
  const finish = (name: string, { call }: Running, isWhole: boolean): void => {
    running.delete(name);
    call.finish(isWhole);
  };
  const begin = (name: string, lane: string, asked: Asked): Running => {
    const begun = { lane, call: open(asked) };
    running.set(name, begun);
    const [oldest] = running;
    if (running.size > mostAtOnce && oldest !== undefined) finish(...oldest, false);
    return begun;
  };
  const latestOf = (lane: string): string | null =>
    [...running].findLast(([, each]) => each.lane === lane)?.[0] ?? null;

  const fail = (event: Fields): void => {
    const lane = laneOf(event);
    const refused = takeWaiting(lane);
    if (refused !== null) {
      const call = open(refused);
      call.take(event);
      call.finish(true, statusOf(event));
      return;
    }
    const name = errorsEnd ? latestOf(lane) : null;
    const begun = name === null ? undefined : running.get(name);
    if (name === null || begun === undefined) return;
    begun.call.take(event);
    finish(name, begun, true);
  };

  return {
    ask(lane, asked) {
      waiting.push({ lane, asked });
      if (waiting.length > mostAtOnce) waiting.shift();
    },
    event(event, unasked) {
      const type = text(event["type"]);
      if (type === "error") return fail(event);
      const lane = laneOf(event);
      const name = id(fields(event["response"])["id"]) ?? id(event["response_id"]) ?? latestOf(lane);
      if (name === null || !type.startsWith("response.")) return;
      const isEnd = endings.has(type);
      const known = running.get(name);
      if (known === undefined && !isEnd && type !== "response.created") return;
      const begun = known ?? begin(name, lane, takeWaiting(lane) ?? unasked());
      begun.call.take(event);
      if (isEnd) finish(name, begun, true);
    },
    end() {
      for (const each of running) finish(...each, false);
      waiting.length = 0;
    },
  };
}

export function laneOf(message: Fields): string {
  return id(message["stream_id"]) ?? "";
}

/** The status that comes beside an error, or the one that its kind has over HTTP. */
function statusOf({ status, error }: Fields): number {
  if (typeof status === "number" && status >= 400 && status < 600) return status;
  return fields(error)["type"] === "server_error" ? 500 : 400;
}
