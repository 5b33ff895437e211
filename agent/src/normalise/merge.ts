/**
 * The same call seen several times becomes one call. Counts are never added: of two accounts one wins, by an order
 * that does not depend on which came first, so that any arrival order and any repetition give the same call.
 *
 * Within one source the larger account wins: the prompt's counts as a whole (cached and uncached are parts of one
 * prompt, and a sum of parts from two rows would count a token twice), the output with its reasoning. Between sources
 * the trust order of each group of fields decides (`trust`).
 */
import type { TokenCounts } from "@flowstate/shared/tokens";
import type { Capture, OutputEvidence, OutputTrust, Place, Sighting } from "./sighting.ts";

/** One call with what each source says of it. */
export interface Call {
  /** Every name of the call, ascending; calls that share one are one. */
  readonly names: readonly string[];
  readonly sightings: Readonly<Partial<Record<Capture, Sighting>>>;
}

/** Which source is believed, best first, for each group of fields. */
const trust: Readonly<Record<"prompt" | "place", readonly Capture[]>> = {
  prompt: ["intercept", "relay", "session-log", "otlp"],
  place: ["session-log", "otlp", "intercept", "relay"],
};
const outputTrust: readonly (readonly [Capture, OutputTrust])[] = [
  ["intercept", "final"],
  ["relay", "final"],
  ["otlp", "final"],
  ["session-log", "final"],
  ["intercept", "estimated"],
  ["session-log", "estimated"],
  ["relay", "estimated"],
  ["otlp", "estimated"],
  ["intercept", "floor"],
  ["otlp", "floor"],
  ["session-log", "floor"],
  ["relay", "floor"],
];

export function callOf(sighting: Sighting): Call {
  return {
    names: [...new Set([sighting.callId, ...sighting.aliases])].sort(),
    sightings: { [sighting.capture]: sighting },
  };
}

export function mergeCalls(a: Call, b: Call): Call {
  const sightings: Partial<Record<Capture, Sighting>> = { ...a.sightings };
  for (const sighting of Object.values(b.sightings)) {
    const known = sightings[sighting.capture];
    sightings[sighting.capture] = known === undefined ? sighting : mergeSightings(known, sighting);
  }
  return { names: [...new Set([...a.names, ...b.names])].sort(), sightings };
}

/** Two accounts of one call by the same kind of source. */
export function mergeSightings(a: Sighting, b: Sighting): Sighting {
  const prompt = largerPrompt(a.tokens, b.tokens);
  const output = largerOutput(a.tokens, b.tokens);
  const callId = largest(a.callId, b.callId);
  return {
    callId,
    aliases: otherNames(callId, a, b),
    capture: a.capture,
    tool: largest(a.tool, b.tool),
    toolVersion: largest(a.toolVersion, b.toolVersion),
    provider: largest(a.provider, b.provider),
    host: largest(a.host, b.host),
    model: largest(a.model, b.model),
    place: original(a.place, b.place),
    tokens: { ...prompt, output: output.output, reasoning: output.reasoning },
    evidence: mergeEvidence(a.evidence, b.evidence),
    terms: {
      serviceTier: largest(a.terms.serviceTier, b.terms.serviceTier),
      speed: largest(a.terms.speed, b.terms.speed),
      inferenceGeo: largest(a.terms.inferenceGeo, b.terms.inferenceGeo),
      modality: largest(a.terms.modality, b.terms.modality),
    },
    billing: largest(knownBilling(a), knownBilling(b)) ?? "unknown",
    status: largest(a.status, b.status),
    durationMs: largest(a.durationMs, b.durationMs),
  };
}

/** The call as it is reported: each group of fields from the source that is believed for it. */
export interface Resolved {
  readonly sighting: Sighting;
  readonly tokens: TokenCounts;
  readonly outputTrust: OutputTrust;
  readonly estimateMethod: string | null;
}

export function resolveCall(call: Call): Resolved {
  const known = Object.values(call.sightings);
  const believed = (order: readonly Capture[]): Sighting[] =>
    known.toSorted((a, b) => order.indexOf(a.capture) - order.indexOf(b.capture));
  const byPrompt = believed(trust.prompt);
  const byPlace = believed(trust.place);
  const prompt = byPrompt.find(({ tokens }) => tokens.input !== null) ?? first(byPrompt);
  const { output, from, trust: outputTrusted, method } = outputOf(known);
  const place = first(byPlace);
  const split = byPrompt.find(({ tokens }) => tokens.cacheWrite1h !== null) ?? prompt;
  return {
    sighting: {
      ...place,
      capture: prompt.capture,
      provider: prompt.provider,
      host: pick(byPrompt, ({ host }) => host),
      model: pick(byPrompt, ({ model }) => model),
      toolVersion: pick(byPlace, ({ toolVersion }) => toolVersion),
      place: {
        ...place.place,
        sessionId: pick(byPlace, ({ place }) => place.sessionId),
        cwd: pick(byPlace, ({ place }) => place.cwd),
      },
      terms: {
        serviceTier: pick(byPrompt, ({ terms }) => terms.serviceTier),
        speed: pick(byPrompt, ({ terms }) => terms.speed),
        inferenceGeo: pick(byPrompt, ({ terms }) => terms.inferenceGeo),
        modality: pick(byPrompt, ({ terms }) => terms.modality),
      },
      billing: pick(byPlace, knownBilling) ?? "unknown",
      status: pick(byPrompt, ({ status }) => status),
      durationMs: pick(byPrompt, ({ durationMs }) => durationMs),
    },
    tokens: {
      ...prompt.tokens,
      cacheWrite5m: split === prompt ? prompt.tokens.cacheWrite5m : writeSplit(prompt, split),
      cacheWrite1h: split === prompt ? prompt.tokens.cacheWrite1h : split.tokens.cacheWrite1h,
      output,
      reasoning: from?.tokens.reasoning ?? null,
    },
    outputTrust: outputTrusted,
    estimateMethod: method,
  };
}

/** Output figure of one source and how far it goes: reported, or estimated where the content is plainly larger. */
export function readOutput({ tokens, evidence }: Sighting): {
  readonly output: number | null;
  readonly trust: OutputTrust;
} {
  const { declared, least, stopped, blocks } = evidence;
  const reported = tokens.output;
  if (declared !== "floor") return { output: reported, trust: declared };
  if (stopped !== null && stopped === reported && least !== null && stopped > least) {
    return { output: reported, trust: "final" };
  }
  const seen = blocks === null ? 0 : Object.values(blocks).reduce((sum, count) => sum + count, 0);
  return seen > (reported ?? 0) * implausible + slack
    ? { output: seen, trust: "estimated" }
    : { output: reported, trust: "floor" };
}

/** The estimate may be 80 % too high for Markdown, so only content of more than twice the reported tokens speaks. */
const implausible = 2;
const slack = 16;

interface OutputFigure {
  readonly output: number | null;
  readonly from: Sighting | null;
  readonly trust: OutputTrust;
  readonly method: string | null;
}

function outputOf(known: readonly Sighting[]): OutputFigure {
  const figures = known
    .map((sighting) => ({ sighting, ...readOutput(sighting) }))
    .filter(({ output }) => output !== null);
  for (const [capture, wanted] of outputTrust) {
    const found = figures.find(({ sighting, trust }) => sighting.capture === capture && trust === wanted);
    if (found === undefined) continue;
    const method =
      found.trust === "estimated" ? (capture === "session-log" ? "log-content" : "stream-text") : null;
    return { output: found.output, from: found.sighting, trust: found.trust, method };
  }
  return { output: null, from: null, trust: "floor", method: null };
}

/** The five-minute part of a write that the better source knows only as one sum. */
function writeSplit(sum: Sighting, split: Sighting): number | null {
  const all = sum.tokens.cacheWrite5m;
  const hour = split.tokens.cacheWrite1h ?? 0;
  return all === null ? split.tokens.cacheWrite5m : Math.max(0, all - hour);
}

function otherNames(callId: string, a: Sighting, b: Sighting): readonly string[] {
  const isSame = a.callId === b.callId && a.aliases.length === b.aliases.length && a.aliases.length <= 1;
  if (isSame && a.aliases[0] === b.aliases[0]) return a.aliases;
  const names = new Set([a.callId, ...a.aliases, b.callId, ...b.aliases]);
  names.delete(callId);
  return [...names].sort();
}

function largerPrompt(a: TokenCounts, b: TokenCounts): TokenCounts {
  return compareCounts(promptOrder(a), promptOrder(b)) >= 0 ? a : b;
}

function promptOrder(counts: TokenCounts): readonly (number | null)[] {
  const { input, cacheRead, cacheWrite5m, cacheWrite1h } = counts;
  const sum = (input ?? 0) + (cacheRead ?? 0) + (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0);
  return [sum, input, cacheRead, cacheWrite1h, cacheWrite5m];
}

function largerOutput(a: TokenCounts, b: TokenCounts): TokenCounts {
  return compareCounts([a.output, a.reasoning], [b.output, b.reasoning]) >= 0 ? a : b;
}

/** Lexicographic; an unknown count is less than any known one. */
function compareCounts(a: readonly (number | null)[], b: readonly (number | null)[]): number {
  for (const [index, left] of a.entries()) {
    const difference = (left ?? -1) - (b[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

const trustRank: Readonly<Record<OutputTrust, number>> = { floor: 0, estimated: 1, final: 2 };

function knownBilling({ billing }: Sighting): Sighting["billing"] | null {
  return billing === "unknown" ? null : billing;
}

function mergeEvidence(a: OutputEvidence, b: OutputEvidence): OutputEvidence {
  return {
    declared: trustRank[a.declared] >= trustRank[b.declared] ? a.declared : b.declared,
    least: a.least === null ? b.least : b.least === null ? a.least : Math.min(a.least, b.least),
    stopped: largest(a.stopped, b.stopped),
    blocks: mergeBlocks(a.blocks, b.blocks),
  };
}

function mergeBlocks(a: OutputEvidence["blocks"], b: OutputEvidence["blocks"]): OutputEvidence["blocks"] {
  if (a === null || b === null || a === b) return a ?? b;
  const merged: Record<string, number> = { ...a };
  for (const [key, count] of Object.entries(b)) merged[key] = Math.max(count, merged[key] ?? 0);
  return merged;
}

function original(a: Place, b: Place): Place {
  if (a.sidechain !== b.sidechain) return a.sidechain ? b : a;
  if (a.occurredAt !== b.occurredAt) return a.occurredAt < b.occurredAt ? a : b;
  const order =
    compareText(a.sessionId, b.sessionId) ||
    compareText(a.cwd, b.cwd) ||
    compareText(a.parentCallId, b.parentCallId);
  return order <= 0 ? a : b;
}

function compareText(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? 1 : -1;
  return a < b ? -1 : 1;
}

/** The larger of two known values: an order without meaning of its own, but the same whichever came first. */
function largest<T extends string | number>(a: T, b: T): T;
function largest<T extends string | number>(a: T | null, b: T | null): T | null;
function largest<T extends string | number>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b;
  return a >= b ? a : b;
}

function pick<T>(known: readonly Sighting[], of: (sighting: Sighting) => T | null): T | null {
  for (const sighting of known) {
    const value = of(sighting);
    if (value !== null) return value;
  }
  return null;
}

function first(known: readonly Sighting[]): Sighting {
  const [sighting] = known;
  if (sighting === undefined) throw new Error("bug: a call without a sighting");
  return sighting;
}
