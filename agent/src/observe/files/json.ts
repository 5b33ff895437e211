/** A JSON object from a stranger: every field must be asked for by kind. */
export type Fields = Readonly<Record<string, unknown>>;

const none: Fields = {};

/** The object, or an empty one where something else stands. */
export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : none;
}

/** One JSON object, or null for anything else; never throws. */
export function parseFields(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : null;
  } catch {
    return null;
  }
}

export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** A name that many rows share: text that is neither empty nor longer than any name of ours may be. */
export function name(value: unknown): string | null {
  const text = id(value);
  return text === null ? null : intern(text);
}

/** A name that only one call has. */
export function id(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.length <= 200 ? value : null;
}

export function path(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.length <= 4096 ? intern(value) : null;
}

/** UTC epoch milliseconds of an ISO 8601 text or of a number of milliseconds or seconds; null for anything else. */
export function instant(value: unknown): number | null {
  if (typeof value === "string" && value.length <= 40) {
    const at = Date.parse(value);
    return Number.isFinite(at) && at > 0 ? at : null;
  }
  if (typeof value !== "number" || !(value > 0)) return null;
  const at = value < 100_000_000_000 ? value * 1000 : value;
  return at <= latestMs ? Math.floor(at) : null;
}

const latestMs = 8_640_000_000_000_000;

/** Rows repeat the same few names hundreds of thousands of times; one copy of each is kept. */
function intern(text: string): string {
  const known = interned.get(text);
  if (known !== undefined) return known;
  if (interned.size >= 20_000) interned.clear();
  interned.set(text, text);
  return text;
}

const interned = new Map<string, string>();
