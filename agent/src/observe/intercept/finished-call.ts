import { randomUUID } from "node:crypto";
import type { AiHost } from "@flowstate/shared/hosts";
import type { TokenCounts } from "@flowstate/shared/tokens";
import { estimateTokens } from "../../normalise/estimate.ts";
import type { OutputTrust, Sighting } from "../../normalise/sighting.ts";
import { id } from "../files/json.ts";
import { isBlank } from "./blank.ts";
import type { Endpoint } from "./endpoint.ts";
import type { RequestFacts } from "./request.ts";
import type { HeaderLookup, ToolSigns } from "./tool.ts";
import { isTextCut, type Reading } from "./usage/reading.ts";

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

/** One request and its answer, as they were read. */
export interface EndedCall {
  readonly aiHost: AiHost;
  readonly host: string;
  readonly endpoint: Endpoint;
  readonly tool: ToolSigns;
  /** UTC epoch milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly request: RequestFacts;
  readonly reading: Reading;
  readonly status: number;
  /** Fields of the answer's head. */
  readonly header: HeaderLookup;
  /** False where the answer broke off. */
  readonly isWhole: boolean;
}

export function finishedCall(call: EndedCall): FinishedCall {
  const { endpoint, tool, request, reading, status, isWhole } = call;
  const { tokens, declared } = counted(reading, request, status, isWhole);
  const names = namesOf(reading, call.header);
  const sighting: Sighting = {
    callId: names[0] ?? `wire_${randomUUID()}`,
    aliases: names.slice(1),
    capture: "intercept",
    tool: tool.tool,
    toolVersion: tool.version,
    provider: call.aiHost.provider,
    host: call.host,
    model: reading.model ?? endpoint.model ?? request.model,
    place: {
      occurredAt: call.startedAt,
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
    durationMs: call.durationMs,
  };
  return {
    sighting,
    body: request.body,
    answer: reading.text,
    isAnswerCut: !isWhole || isTextCut(reading),
    isBlank: isBlank({ endpoint, status, isWhole, reading, body: request.body }),
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
  const prompt = tokens.input === null ? request.promptText() : "";
  return {
    // A prompt that was not read, or was spoken, has an unknown size rather than none.
    tokens: { ...tokens, input: prompt === "" ? tokens.input : estimateTokens(prompt), output },
    declared: "estimated",
  };
}
