import * as v from "valibot";
import { parseUsageDate } from "../time.ts";

const local = String.raw`\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?`;
const offset = String.raw`[+-](?:[01]\d|2[0-3]):[0-5]\d`;
const said = "Invalid ISO datetime";

/** valibot's own timestamps take days that no month has, such as 30 February. */
const onRealDay = v.check((text: string) => parseUsageDate(text.slice(0, 10)).ok, said);

/** An RFC 3339 instant in UTC, such as `2026-10-03T09:12:44.120Z`. */
export const utcInstant = v.pipe(v.string(), v.regex(new RegExp(`^${local}Z$`), said), onRealDay);

/** The same, or with an offset: `2026-10-03T11:12:44+02:00`. */
export const instant = v.pipe(v.string(), v.regex(new RegExp(`^${local}(?:Z|${offset})$`), said), onRealDay);
