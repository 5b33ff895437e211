import * as v from "valibot";

/** A list of at most so many entries: of one that is longer none is read. */
export function listOf<const Item extends v.GenericSchema>(item: Item, most: number) {
  const bound = v.maxLength<unknown[], number>(most);
  // The bound stands behind the entries as well, where a JSON Schema is made of it.
  return v.pipe(v.instance(Array<unknown>), bound, v.array(item), v.maxLength(most));
}
