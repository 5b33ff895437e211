import { randomUUID } from "node:crypto";
import type { AiHost } from "@flowstate/shared/hosts";
import type { TokenCounts } from "@flowstate/shared/tokens";
import { estimateTokens } from "../../normalise/estimate.ts";
import type { OutputTrust, Sighting } from "../../normalise/sighting.ts";
import { id } from "../files/json.ts";
import { readAnswer, type AnswerReader } from "./answer.ts";
import { isBlank } from "./blank.ts";
import type { Endpoint } from "./endpoint.ts";
import { readToolSigns, type HeaderLookup, type ToolSigns } from "./tool.ts";
import { emptyReading, isTextCut, type Reading, type Said } from "./usage/reading.ts";
import { readRequest, requestCopy, type RequestFacts } from "./request.ts";

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

/** A call that has come to its end, and what was said in it, for whoever may keep that. */
export interface FinishedCall {
  readonly sighting: Sighting;
  /** The request body as JSON; null where it is none or larger than the agent looks at. */
  readonly body: unknown;
  readonly answer: string;
  /** There was or may have been more: the answer was too large to be read whole, or broke off. */
  readonly isAnswerCut: boolean;
  /** Whether usage that should have been in the answer was not; null where it need not be. */
  readonly isBlank: boolean | null;
}

/** One request and its answer, read from copies. */
export interface Exchange {
  readonly endpoint: Endpoint;
  requestBody(chunk: Buffer): void;
  /** The call as far as its request tells; for the decision whether it may go on. */
  pending(): PendingCall;
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
      const { tokens, declared } = counted(reading, request(), status, isWhole);
      const names = namesOf(reading, answerHeader);
      const sighting: Sighting = {
        callId: names[0] ?? `wire_${randomUUID()}`,
        aliases: names.slice(1),
        capture: "intercept",
        tool: tool.tool,
        toolVersion: tool.version,
        provider: aiHost.provider,
        host,
        model: reading.model ?? endpoint.model ?? request().model,
        place: {
          occurredAt: startedAt,
          sidechain: false,
          sessionId: tool.sessionId,
          cwd: null,
          parentCallId: null,
        },
        tokens,
        evidence: { declared, least: null, stopped: null, blocks: null },
        terms: reading.terms,
        billing: "unknown",
        status,
        durationMs,
      };
      return {
        sighting,
        body: request().body,
        answer: reading.text,
        isAnswerCut: !isWhole || isTextCut(reading),
        isBlank: isBlank({ endpoint, status, isWhole, reading, body: request().body }),
      };
    },
  };
}

/** Names that logs and telemetry call the same call by; the body's own first. */
const requestIdFields = ["request-id", "x-request-id", "x-amzn-requestid", "x-github-request-id"];

function namesOf({ id: bodyId }: Reading, header: HeaderLookup): readonly string[] {
  const names = [bodyId, ...requestIdFields.map((name) => id(header(name)))];
  return [...new Set(names.filter((name) => name !== null))];
}

/**
 * Tokens of the call and how far the output can be trusted. An answer that ended without a count, or broke off before
 * the vendor's last word, is estimated from its text; a refused or failed one cost nothing that is known.
 */
function counted(
  { tokens, stopped, text }: Reading,
  request: RequestFacts,
  status: number,
  isWhole: boolean,
): { readonly tokens: TokenCounts; readonly declared: OutputTrust } {
  if (status >= 400) return { tokens, declared: "final" };
  if (tokens.output !== null && stopped) return { tokens, declared: "final" };
  // Embeddings have a prompt and no output.
  if (tokens.input !== null && tokens.output === null && isWhole && text === "") {
    return { tokens: { ...tokens, output: 0 }, declared: "final" };
  }
  if (tokens.input === null && text === "") return { tokens, declared: "floor" };
  const output = Math.max(tokens.output ?? 0, estimateTokens(text));
  return {
    tokens: { ...tokens, input: tokens.input ?? estimateTokens(request.promptText()), output },
    declared: "estimated",
  };
}
