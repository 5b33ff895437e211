import type { Endpoint } from "../endpoint.ts";
import type { AnswerListener, PendingCall } from "../exchange.ts";
import { finishedCall, type EndedCall, type FinishedCall } from "../finished-call.ts";
import { requestFacts } from "../request.ts";
import type { Fields } from "../../files/json.ts";
import { gather } from "../usage/reading.ts";

/** What a call over a socket was asked for with. */
export interface Asked {
  /** UTC epoch milliseconds. */
  readonly at: number;
  readonly model: string | null;
  /** In the form that the same API's request has; null where nothing of it is known. */
  readonly body: unknown;
}

/** An answer that is on its way over a socket. */
export interface SocketCall {
  take(message: Fields): void;
  /** `status` is what the same end has over HTTP. */
  finish(isWhole: boolean, status?: number): void;
}

/** Begins to read an answer, by the endpoint's own rules unless others are given. */
export type OpenCall = (asked: Asked, rules?: Pick<Endpoint, "fold" | "usage">) => SocketCall;

export interface SocketCallsOptions extends Pick<EndedCall, "aiHost" | "host" | "endpoint" | "tool"> {
  /** The call as a listener is told of it. */
  readonly pending: (model: string | null, body: unknown) => PendingCall;
  readonly listen: () => AnswerListener | null;
  readonly report: (call: FinishedCall) => void;
  readonly now: () => number;
}

const ok = 200;

/** Makes the calls of one socket. The head of its answer names none of them. */
export function socketCalls(options: SocketCallsOptions): OpenCall {
  const { aiHost, host, endpoint, tool, pending, listen, report, now } = options;
  return ({ at, model, body }, rules = endpoint) => {
    const listener = listen();
    const gathering = gather(rules.fold, listener?.hear ?? null);
    return {
      take: gathering.take,
      finish(isWhole, status = ok) {
        listener?.end(pending(model, body));
        report(
          finishedCall({
            aiHost,
            host,
            tool,
            // A session has one model for its answers and another one that transcribes.
            endpoint: { ...endpoint, ...rules, model: null },
            startedAt: at,
            durationMs: now() - at,
            request: requestFacts(body, model),
            reading: gathering.reading,
            status,
            header: () => null,
            isWhole,
          }),
        );
      },
    };
  };
}
