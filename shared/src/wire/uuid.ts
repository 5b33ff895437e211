import * as v from "valibot";

const hex = "[0-9a-fA-F]";
const versioned = `${hex}{8}-${hex}{4}-[1-8]${hex}{3}-[89abAB]${hex}{3}-${hex}{12}`;
const nil = "00000000-0000-0000-0000-000000000000";
const max = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** A UUID of RFC 9562 with its version and variant, the nil or the max UUID; valibot's own takes any hex digits. */
export const uuid = v.pipe(
  v.string(),
  v.regex(new RegExp(`^(?:${versioned}|${nil}|${max})$`), "Invalid UUID"),
);
