import { mergeSightings } from "./merge.ts";
import type { Sighting } from "./sighting.ts";

/** Calls by all their names: whatever shares a name is one call. For sightings of one kind of source. */
export interface CallSet {
  add(sighting: Sighting): void;
  readonly size: number;
  calls(): IterableIterator<Sighting>;
}

export function callSet(): CallSet {
  const calls = new Map<string, Sighting>();
  /** Names under which no call is kept, and the one that is. */
  const kept = new Map<string, string>();

  const keyOf = (name: string): string | undefined => (calls.has(name) ? name : kept.get(name));

  const join = (alias: string, key: string): void => {
    const other = keyOf(alias);
    if (other === key) return;
    const known = other === undefined ? undefined : calls.get(other);
    const into = calls.get(key);
    kept.set(alias, key);
    if (other === undefined || known === undefined || into === undefined) return;
    calls.delete(other);
    calls.set(key, mergeSightings(into, known));
    for (const name of [other, known.callId, ...known.aliases]) kept.set(name, key);
  };

  return {
    add(sighting) {
      const { callId, aliases } = sighting;
      const known = calls.get(callId);
      const key = known === undefined ? (kept.get(callId) ?? callId) : callId;
      const before = known ?? calls.get(key);
      calls.set(key, before === undefined ? sighting : mergeSightings(before, sighting));
      if (
        before?.aliases[0] === aliases[0] &&
        before?.aliases.length === aliases.length &&
        aliases.length <= 1
      )
        return;
      for (const alias of aliases) join(alias, key);
    },
    get size() {
      return calls.size;
    },
    calls: () => calls.values(),
  };
}
