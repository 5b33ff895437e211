import type { AiHost } from "@flowstate/shared/hosts";
import { readAnswer, type AnswerReader } from "./answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { finishedCall, type FinishedCall } from "./finished-call.ts";
import { readRequest, requestCopy, type RequestFacts } from "./request.ts";
import { readToolSigns, type HeaderLookup, type ToolSigns } from "./tool.ts";
import { emptyReading, type Said } from "./usage/reading.ts";

/** What is known of a call before it is let through. */
export interface PendingCall {
  readonly host: string;
  readonly provider: string;
  readonly endpoint: Endpoint;
  readonly path: string;
  readonly tool: ToolSigns;
  /** Model asked for; null where neither path nor body names it. */
  readonly model: string | null;
  /** The request body as JSON; null where it is none or larger than the agent looks at. */
  readonly body: unknown;
}

export interface ExchangeStart {
  readonly aiHost: AiHost;
  readonly host: string;
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly header: HeaderLookup;
  /** Asked as the answer begins; null where nobody listens to it. */
  readonly listen: () => AnswerListener | null;
  readonly now: () => number;
}

/** Listens to one answer as it passes. It gets copies, so that nothing waits for it, and never throws. */
export interface AnswerListener {
  hear(said: readonly Said[]): void;
  /** The answer is at its end, or broke off. */
  end(call: PendingCall): void;
}

/** What the decision is about whether it may go on. */
export interface Judged {
  readonly endpoint: Endpoint;
  /** The call as far as its request tells. */
  pending(): PendingCall;
}

/** One request and its answer, read from copies. */
export interface Exchange extends Judged {
  requestBody(chunk: Buffer): void;
  answerHead(status: number, header: HeaderLookup): void;
  answerBody(chunk: Buffer): void;
  /** Resolves once the answer is read; `isWhole` is false where it broke off. Null where no answer ever began. */
  finish(isWhole: boolean): Promise<FinishedCall | null>;
}

export function openExchange({ aiHost, host, path, endpoint, header, listen, now }: ExchangeStart): Exchange {
  const startedAt = now();
  const tool = readToolSigns(header);
  const copy = requestCopy();
  let facts: RequestFacts | null = null;
  let status: number | null = null;
  let answerHeader: HeaderLookup = () => null;
  let reader: AnswerReader | null = null;
  let listener: AnswerListener | null = null;
  const request = (): RequestFacts => (facts ??= readRequest(copy.take(), header("content-encoding")));

  const pending = (): PendingCall => ({
    host,
    provider: aiHost.provider,
    endpoint,
    path,
    tool,
    model: endpoint.model ?? request().model,
    body: request().body,
  });

  return {
    endpoint,
    requestBody: copy.add,
    pending,
    answerHead(code, lookup) {
      status = code;
      answerHeader = lookup;
      listener = listen();
      reader = readAnswer(endpoint, lookup, listener?.hear ?? null);
    },
    answerBody: (chunk) => reader?.write(chunk),
    async finish(isWhole) {
      if (status === null) return null;
      const durationMs = now() - startedAt;
      const reading = (await reader?.end()) ?? emptyReading;
      listener?.end(pending());
      return finishedCall({
        aiHost,
        host,
        endpoint,
        tool,
        startedAt,
        durationMs,
        request: request(),
        reading,
        status,
        header: answerHeader,
        isWhole,
      });
    },
  };
}
