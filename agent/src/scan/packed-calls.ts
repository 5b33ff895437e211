import type { Sighting } from "../normalise/sighting.ts";
import { mergeSightings } from "../normalise/merge.ts";

/**
 * Every call of a scan, each once, in a third of the memory that its sightings would take: counts lie in columns, and
 * what many calls share is kept once. For sightings of one kind of source.
 */
export interface PackedCalls {
  add(sighting: Sighting): void;
  readonly size: number;
  calls(): Generator<Sighting>;
}

/** What the calls of one conversation have in common. */
type Shared = Omit<Sighting, "callId" | "aliases" | "place" | "tokens" | "evidence" | "durationMs"> & {
  readonly place: Omit<Sighting["place"], "occurredAt">;
  readonly declared: Sighting["evidence"]["declared"];
};

/** What few calls have. */
type Rare = Pick<Sighting, "aliases" | "durationMs"> & Pick<Sighting["evidence"], "blocks">;

const nothingRare: Rare = { aliases: [], durationMs: null, blocks: null };
const width = 9;
/** Figures lie in blocks: one array that doubles would for a moment be there twice. */
const blockRows = 4096;
const unknown = -1;

/** `joins` says which aliases are kept: each is as dear as a call's own name, and some join nothing in one kind of source. */
export function packedCalls(joins: (alias: string) => boolean = () => true): PackedCalls {
  const indexOf = new Map<string, number>();
  const ids: (string | null)[] = [];
  const shared: Shared[] = [];
  const rare = new Map<number, Rare>();
  const blocks: Float64Array[] = [];
  let size = 0;
  let last: Shared | undefined;

  const blockOf = (index: number): Float64Array =>
    (blocks[Math.floor(index / blockRows)] ??= new Float64Array(width * blockRows));
  const rowOf = (index: number): number => width * (index % blockRows);

  const put = (index: number, sighting: Sighting, aliases: readonly string[]): void => {
    const { callId, tokens, evidence, place, durationMs } = sighting;
    const figures = blockOf(index);
    const row = rowOf(index);
    figures[row] = place.occurredAt;
    figures[row + 1] = tokens.input ?? unknown;
    figures[row + 2] = tokens.output ?? unknown;
    figures[row + 3] = tokens.cacheRead ?? unknown;
    figures[row + 4] = tokens.cacheWrite5m ?? unknown;
    figures[row + 5] = tokens.cacheWrite1h ?? unknown;
    figures[row + 6] = tokens.reasoning ?? unknown;
    figures[row + 7] = evidence.least ?? unknown;
    figures[row + 8] = evidence.stopped ?? unknown;
    if (last === undefined || !isAlike(last, sighting)) last = shareOf(sighting);
    ids[index] = callId;
    shared[index] = last;
    if (aliases.length > 0 || evidence.blocks !== null || durationMs !== null) {
      rare.set(index, { aliases, durationMs, blocks: evidence.blocks });
    }
    indexOf.set(callId, index);
    for (const alias of aliases) indexOf.set(alias, index);
  };

  const get = (index: number): Sighting | null => {
    const callId = ids[index];
    const common = shared[index];
    if (callId === null || callId === undefined || common === undefined) return null;
    const figures = blockOf(index);
    const row = rowOf(index);
    const count = (column: number): number | null => {
      const figure = figures[row + column] ?? unknown;
      return figure === unknown ? null : figure;
    };
    const { aliases, durationMs, blocks: texts } = rare.get(index) ?? nothingRare;
    const { place } = common;
    // Field by field, as in `isAlike`: copying what is left of an object takes several times as long.
    return {
      callId,
      aliases,
      capture: common.capture,
      tool: common.tool,
      toolVersion: common.toolVersion,
      provider: common.provider,
      host: common.host,
      model: common.model,
      place: {
        occurredAt: figures[row] ?? 0,
        sidechain: place.sidechain,
        sessionId: place.sessionId,
        cwd: place.cwd,
        parentCallId: place.parentCallId,
      },
      tokens: {
        input: count(1),
        output: count(2),
        cacheRead: count(3),
        cacheWrite5m: count(4),
        cacheWrite1h: count(5),
        reasoning: count(6),
      },
      evidence: { declared: common.declared, least: count(7), stopped: count(8), blocks: texts },
      terms: common.terms,
      billing: common.billing,
      status: common.status,
      durationMs,
    };
  };

  return {
    add(sighting) {
      const aliases = sighting.aliases.filter(joins);
      // Most calls are met once, by one name.
      if (aliases.length === 0 && !indexOf.has(sighting.callId)) {
        size += 1;
        return put(ids.length, sighting, aliases);
      }
      const found = new Set<number>();
      for (const name of [sighting.callId, ...aliases]) {
        const index = indexOf.get(name);
        if (index !== undefined) found.add(index);
      }
      const [into = ids.length, ...others] = found;
      let merged = sighting;
      for (const index of found) {
        const known = get(index);
        if (known !== null) merged = mergeSightings(known, merged);
      }
      for (const index of others) ids[index] = null;
      size += found.size === 0 ? 1 : -others.length;
      put(into, merged, merged.aliases.filter(joins));
    },
    get size() {
      return size;
    },
    *calls() {
      for (const index of ids.keys()) {
        const call = get(index);
        if (call !== null) yield call;
      }
    },
  };
}

function shareOf(sighting: Sighting): Shared {
  const { capture, tool, toolVersion, provider, host, model, terms, billing, status, evidence } = sighting;
  const { sidechain, sessionId, cwd, parentCallId } = sighting.place;
  const place = { sidechain, sessionId, cwd, parentCallId };
  return {
    capture,
    tool,
    toolVersion,
    provider,
    host,
    model,
    terms,
    billing,
    status,
    place,
    declared: evidence.declared,
  };
}

function isAlike(shared: Shared, call: Sighting): boolean {
  return (
    shared.place.sessionId === call.place.sessionId &&
    shared.place.cwd === call.place.cwd &&
    shared.place.sidechain === call.place.sidechain &&
    shared.place.parentCallId === call.place.parentCallId &&
    shared.terms.serviceTier === call.terms.serviceTier &&
    shared.terms.speed === call.terms.speed &&
    shared.terms.inferenceGeo === call.terms.inferenceGeo &&
    shared.terms.modality === call.terms.modality &&
    shared.declared === call.evidence.declared &&
    shared.model === call.model &&
    shared.tool === call.tool &&
    shared.toolVersion === call.toolVersion &&
    shared.provider === call.provider &&
    shared.host === call.host &&
    shared.billing === call.billing &&
    shared.status === call.status &&
    shared.capture === call.capture
  );
}
