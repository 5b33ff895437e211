import { mergeSightings } from "./merge.ts";
import type { Sighting } from "./sighting.ts";

/** Calls by all their names: whatever shares a name is one call. For sightings of one kind of source. */
export interface CallSet {
  add(sighting: Sighting): void;
  readonly size: number;
  calls(): IterableIterator<Sighting>;
}

export function callSet(): CallSet {
  const keyOf = new Map<string, string>();
  const calls = new Map<string, Sighting>();

  const join = (name: string, key: string): void => {
    const other = keyOf.get(name);
    keyOf.set(name, key);
    if (other === undefined || other === key) return;
    const known = calls.get(other);
    const into = calls.get(key);
    if (known === undefined || into === undefined) return;
    calls.delete(other);
    const merged = mergeSightings(into, known);
    calls.set(key, merged);
    for (const alias of [known.callId, ...known.aliases]) keyOf.set(alias, key);
  };

  return {
    add(sighting) {
      const key = keyOf.get(sighting.callId) ?? sighting.callId;
      const known = calls.get(key);
      if (known === undefined) keyOf.set(key, key);
      calls.set(key, known === undefined ? sighting : mergeSightings(known, sighting));
      for (const alias of sighting.aliases) join(alias, key);
    },
    get size() {
      return calls.size;
    },
    calls: () => calls.values(),
  };
}
