import * as v from "valibot";

const isNoList = (given: unknown): boolean => !Array.isArray(given);

/** Counts by name: any of these names may be absent, and no other may be there. */
export function countsOf<const Names extends readonly string[], Count extends v.GenericSchema<number>>(
  names: Names,
  count: Count,
) {
  return v.pipe(
    // A list without entries would be an object without fields to valibot.
    v.custom<object>(isNoList, "Invalid input: expected object, received array"),
    v.strictObject(v.entriesFromList(names, v.exactOptional(count))),
  );
}
