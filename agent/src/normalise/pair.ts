/**
 * Calls that share no name and are one all the same. Codex and Gemini CLI name the answer in one of their accounts and
 * not in another, so that only what they say of it can match: the same tool, conversation and model, the same size,
 * ended at the same time. Each account is used once, and nearest goes first, so that of two equal calls in a row
 * neither swallows the other.
 */
import { modelCandidates } from "@flowstate/shared/prices/model-id";
import { promptTokens } from "@flowstate/shared/tokens";
import { mergeCalls, readOutput, type Call } from "./merge.ts";
import type { Capture, Sighting } from "./sighting.ts";

/** How far two accounts of the end of a call may be apart. */
export const sameEndMs = 5000;

/** What two accounts of one call have in common; null for an account without a known prompt. */
export function pairKey({ tool, tokens }: Sighting): string | null {
  const prompt = promptTokens(tokens);
  return prompt === null || prompt === 0 ? null : `${tool}:${prompt}`;
}

/** UTC epoch milliseconds at which a call ended, as far as this account knows. */
export function endOf({ place, durationMs }: Sighting): number {
  return place.occurredAt + (durationMs ?? 0);
}

/** Sources in the order in which they are joined: every account of one is offered to those of another, then of the next. */
const sources: readonly (readonly [Capture, Capture])[] = [
  ["session-log", "otlp"],
  ["session-log", "intercept"],
  ["otlp", "intercept"],
  ["session-log", "relay"],
  ["otlp", "relay"],
  ["intercept", "relay"],
];

/** Groups of calls that are one, each with at least two, as indices. The order of `calls` does not matter. */
export function pairCalls(calls: readonly Call[]): readonly (readonly number[])[] {
  let groups = calls.map((call, index) => ({ call, members: [index] }));
  for (const [left, right] of sources) {
    const offers = groups
      .flatMap((a) => groups.map((b) => ({ a, b, apartMs: apart(a.call, b.call, left, right) })))
      .filter((offer): offer is typeof offer & { apartMs: number } => offer.apartMs !== null)
      .toSorted((x, y) => x.apartMs - y.apartMs || order(x.a.call, y.a.call) || order(x.b.call, y.b.call));
    const used = new Set<(typeof groups)[number]>();
    const joined = offers.flatMap(({ a, b }) => {
      if (used.has(a) || used.has(b)) return [];
      used.add(a).add(b);
      return { call: mergeCalls(a.call, b.call), members: [...a.members, ...b.members] };
    });
    groups = [...groups.filter((group) => !used.has(group)), ...joined];
  }
  return groups.filter(({ members }) => members.length > 1).map(({ members }) => members);
}

/** Milliseconds between the ends of two calls that may be one; null where they cannot be. */
function apart(a: Call, b: Call, left: Capture, right: Capture): number | null {
  const [one, other] = [a.sightings[left], b.sightings[right]];
  if (a === b || one === undefined || other === undefined) return null;
  if (Object.keys(a.sightings).some((capture) => capture in b.sightings)) return null;
  if (!isAlike(one, other) || namesDiffer(a.names, b.names)) return null;
  const ms = Math.abs(endOf(one) - endOf(other));
  return ms <= sameEndMs ? ms : null;
}

function isAlike(a: Sighting, b: Sighting): boolean {
  const key = pairKey(a);
  if (key === null || key !== pairKey(b)) return false;
  const [session, otherSession] = [a.place.sessionId, b.place.sessionId];
  if (session !== null && otherSession !== null && session !== otherSession) return false;
  return isSameModel(a.model, b.model) && isSameOutput(a, b);
}

function isSameModel(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b) return true;
  const names = new Set(modelCandidates(a));
  return modelCandidates(b).some((name) => names.has(name));
}

/** A floor may be exceeded and an estimate be anything; two final counts are equal. */
function isSameOutput(a: Sighting, b: Sighting): boolean {
  const [x, y] = [readOutput(a), readOutput(b)];
  if (x.trust === "estimated" || y.trust === "estimated") return true;
  if (x.output === null || y.output === null || x.output === y.output) return true;
  return x.output < y.output ? x.trust === "floor" : y.trust === "floor";
}

/** Two calls that each have a vendor's name of one kind, and not the same one, are two. */
function namesDiffer(a: readonly string[], b: readonly string[]): boolean {
  const kinds = new Set(a.map(kindOf).filter((kind) => kind !== null));
  return [...kinds].some(
    (kind) =>
      b.some((name) => kindOf(name) === kind) && !a.some((name) => kindOf(name) === kind && b.includes(name)),
  );
}

function kindOf(name: string): string | null {
  return /^(?:msg|req|resp|chatcmpl|gen)[_-]/.exec(name)?.[0] ?? null;
}

function order({ names: [a = ""] }: Call, { names: [b = ""] }: Call): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
