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

const width = 9;
/** Figures lie in blocks: one array that doubles would for a moment be there twice. */
const blockRows = 4096;
const unknown = -1;

export function packedCalls(): PackedCalls {
  const indexOf = new Map<string, number>();
  const ids: (string | null)[] = [];
  const shared: Shared[] = [];
  const rare = new Map<number, Rare>();
  const blocks: Float64Array[] = [];
  let size = 0;
  let last: Shared | undefined;

  const figuresOf = (index: number): Float64Array => {
    const at = Math.floor(index / blockRows);
    const block = (blocks[at] ??= new Float64Array(width * blockRows));
    const row = width * (index % blockRows);
    return block.subarray(row, row + width);
  };

  const put = (index: number, sighting: Sighting): void => {
    const { callId, aliases, tokens, evidence, place, durationMs } = sighting;
    const figures = figuresOf(index);
    figures[0] = place.occurredAt;
    figures[1] = tokens.input ?? unknown;
    figures[2] = tokens.output ?? unknown;
    figures[3] = tokens.cacheRead ?? unknown;
    figures[4] = tokens.cacheWrite5m ?? unknown;
    figures[5] = tokens.cacheWrite1h ?? unknown;
    figures[6] = tokens.reasoning ?? unknown;
    figures[7] = evidence.least ?? unknown;
    figures[8] = evidence.stopped ?? unknown;
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
    const { declared, place, ...rest } = common;
    const { aliases = [], durationMs = null, blocks = null } = rare.get(index) ?? {};
    const [occurredAt = 0, ...counts] = figuresOf(index);
    const [
      input = null,
      output = null,
      cacheRead = null,
      cacheWrite5m = null,
      cacheWrite1h = null,
      ...others
    ] = counts.map((count) => (count === unknown ? null : count));
    const [reasoning = null, least = null, stopped = null] = others;
    return {
      ...rest,
      callId,
      aliases,
      durationMs,
      place: { ...place, occurredAt },
      tokens: { input, output, cacheRead, cacheWrite5m, cacheWrite1h, reasoning },
      evidence: { declared, least, stopped, blocks },
    };
  };

  return {
    add(sighting) {
      // Most calls are met once, by one name.
      if (sighting.aliases.length === 0 && !indexOf.has(sighting.callId)) {
        size += 1;
        return put(ids.length, sighting);
      }
      const found = new Set<number>();
      for (const name of [sighting.callId, ...sighting.aliases]) {
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
      put(into, merged);
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

function isAlike(shared: Shared, { place, terms, evidence, ...rest }: Sighting): boolean {
  return (
    shared.place.sessionId === place.sessionId &&
    shared.place.cwd === place.cwd &&
    shared.place.sidechain === place.sidechain &&
    shared.place.parentCallId === place.parentCallId &&
    shared.terms.serviceTier === terms.serviceTier &&
    shared.terms.speed === terms.speed &&
    shared.terms.inferenceGeo === terms.inferenceGeo &&
    shared.terms.modality === terms.modality &&
    shared.declared === evidence.declared &&
    shared.model === rest.model &&
    shared.tool === rest.tool &&
    shared.toolVersion === rest.toolVersion &&
    shared.provider === rest.provider &&
    shared.host === rest.host &&
    shared.billing === rest.billing &&
    shared.status === rest.status &&
    shared.capture === rest.capture
  );
}
