import { readCount, tokens, type TokenCounts } from "@flowstate/shared/tokens";
import { sightingBy, type KnownOfCall, type Sighting } from "../../normalise/sighting.ts";
import { id, instant } from "../files/json.ts";
import type { OtlpEvent } from "./records.ts";

/** What an event tells of: one call, none, or one whose counts do not stand where they are known to. */
export type EventReading = Sighting | "no_call" | "not_understood";

/** Reads the events of one tool. Never throws, whatever the event holds. */
export interface EventReader {
  readonly tool: string;
  /** Whether the events of a service are this tool's. */
  readonly emits: (service: string) => boolean;
  /** The tool's version; absent where `service.version` is it. */
  readonly versionOf?: (event: OtlpEvent) => string | null;
  read(event: OtlpEvent): EventReading;
}

/**
 * A call by one event. An emitter that names no call sends the same event again after a time-out, so such a call is
 * named by everything that the event says of it.
 */
export function eventSighting(
  event: OtlpEvent,
  known: Omit<KnownOfCall, "callId" | "place"> & {
    /** Names by which other sources know the call too. */
    readonly names: readonly (string | null)[];
    readonly toolVersion?: string | null;
    readonly sessionId: string | null;
    readonly sidechain?: boolean;
  },
): Sighting | "not_understood" {
  const { names, sessionId, sidechain = false, durationMs = null, ...rest } = known;
  const endedAt = endOf(event);
  if (endedAt === null) return "not_understood";
  const { input, output, cacheRead } = known.tokens;
  const own = `otlp:${known.tool}:${sessionId ?? "unnamed"}:${endedAt}:${input}.${cacheRead}.${output}`;
  const [callId = own, ...aliases] = names.filter((one) => one !== null);
  return sightingBy("otlp", {
    ...rest,
    callId,
    aliases,
    durationMs,
    toolVersion: known.toolVersion === undefined ? event.version : known.toolVersion,
    place: { occurredAt: event.startedAt ?? Math.max(1, endedAt - (durationMs ?? 0)), sessionId, sidechain },
  });
}

/** When the call ended: the emitter's own account of it before that of its exporter. */
export function endOf({ endedAt, attributes }: OtlpEvent): number | null {
  return instant(attributes["event.timestamp"]) ?? endedAt;
}

/** Milliseconds as emitters write them: whole or not, as a number or as text. */
export function readMs(value: unknown): number | null {
  const ms = typeof value === "string" ? Number.parseFloat(value) : value;
  return typeof ms === "number" && ms >= 0 && ms < 1e10 ? Math.round(ms) : null;
}

export function readStatus(value: unknown): number | null {
  const status = readCount(value);
  return status !== null && status >= 100 && status <= 599 ? status : null;
}

/** Counts of an API whose cached tokens are a part of its input. */
export function inclusive(counts: {
  readonly input: number | null;
  readonly output: number | null;
  readonly cacheRead: number | null;
  readonly cacheWrite: number | null;
  readonly reasoning: number | null;
}): TokenCounts | null {
  const { input, output, cacheRead, cacheWrite, reasoning } = counts;
  if (input === null || output === null) return null;
  return tokens({
    input: Math.max(0, input - (cacheRead ?? 0) - (cacheWrite ?? 0)),
    output,
    cacheRead: cacheRead ?? 0,
    cacheWrite5m: cacheWrite ?? 0,
    cacheWrite1h: 0,
    reasoning,
  });
}

export function firstId(...values: readonly unknown[]): string | null {
  for (const value of values) {
    const found = id(value);
    if (found !== null) return found;
  }
  return null;
}
