import type { TokenCounts } from "@flowstate/shared/tokens";
import type { CallEvent } from "@flowstate/shared/wire/call";
import { standardTerms, type Terms } from "@flowstate/shared/prices/rate";

export const captures = [
  "session-log",
  "otlp",
  "intercept",
  "relay",
] as const satisfies readonly CallEvent["capture"][];
export type Capture = CallEvent["capture"];
export type OutputTrust = CallEvent["outputTrust"];

/**
 * What one source says of one call, in normal form: `input` without cached tokens, `output` with reasoning. A source
 * may speak of the same call many times, each time knowing more; `merge.ts` makes one of them.
 */
export interface Sighting {
  /** The vendor's own name of the call where there is one. */
  readonly callId: string;
  /** Other names of the same call. */
  readonly aliases: readonly string[];
  readonly capture: Capture;
  readonly tool: string;
  readonly toolVersion: string | null;
  readonly provider: string;
  readonly host: string | null;
  readonly model: string | null;
  readonly place: Place;
  readonly tokens: TokenCounts;
  readonly evidence: OutputEvidence;
  readonly terms: Terms;
  readonly billing: CallEvent["billing"];
  readonly status: number | null;
  readonly durationMs: number | null;
}

/** Where a call was made. Of several copies the one outside a side branch, then the earliest, is the original. */
export interface Place {
  /** UTC epoch milliseconds. */
  readonly occurredAt: number;
  /** A copy in a side branch or a subagent's log. */
  readonly sidechain: boolean;
  /** The tool's own name of the conversation. */
  readonly sessionId: string | null;
  /** Working directory; stays on the machine. */
  readonly cwd: string | null;
  readonly parentCallId: string | null;
}

/** What is known about how far `tokens.output` can be trusted. */
export interface OutputEvidence {
  /** What the source itself vouches for. */
  readonly declared: OutputTrust;
  /** Smallest and largest figure of a row that ended the answer, for logs that repeat a placeholder on every row. */
  readonly least: number | null;
  readonly stopped: number | null;
  /** Tokens of each distinct content block seen, estimated from its text. */
  readonly blocks: Readonly<Record<string, number>> | null;
}

export const finalOutput: OutputEvidence = { declared: "final", least: null, stopped: null, blocks: null };

/** What a source must know of a call; the rest is null where it is left out. */
export type KnownOfCall = Pick<Sighting, "callId" | "tool" | "provider" | "model" | "tokens"> &
  Partial<Omit<Sighting, "place" | "capture">> & {
    readonly place: Partial<Place> & Pick<Place, "occurredAt">;
  };

export function sightingBy(capture: Capture, known: KnownOfCall): Sighting {
  const { place } = known;
  return {
    callId: known.callId,
    aliases: known.aliases ?? [],
    capture,
    tool: known.tool,
    toolVersion: known.toolVersion ?? null,
    provider: known.provider,
    host: known.host ?? null,
    model: known.model,
    place: {
      occurredAt: place.occurredAt,
      sidechain: place.sidechain ?? false,
      sessionId: place.sessionId ?? null,
      cwd: place.cwd ?? null,
      parentCallId: place.parentCallId ?? null,
    },
    tokens: known.tokens,
    evidence: known.evidence ?? finalOutput,
    terms: known.terms ?? standardTerms,
    billing: known.billing ?? "unknown",
    status: known.status ?? null,
    durationMs: known.durationMs ?? null,
  };
}

export function logSighting(known: KnownOfCall): Sighting {
  return sightingBy("session-log", known);
}
