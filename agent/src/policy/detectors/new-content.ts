import { hash } from "node:crypto";
import { textsOf } from "../../observe/intercept/texts.ts";

/** Remembers what has been looked at, so that a conversation, which is sent whole with every turn, is looked at once. */
export interface SeenContent {
  /** Texts of a request body that were in none before; they count as seen from here on. */
  fresh(body: unknown): readonly string[];
}

const mostSeen = 100_000;
const shortest = 8;
/** Hashes alone are kept, the oldest of them forgotten first. */
export function seenContent(): SeenContent {
  const seen = new Set<string>();
  const isFresh = (text: string): boolean => {
    const digest = hash("sha1", text, "base64");
    if (seen.has(digest)) return false;
    seen.add(digest);
    const [oldest] = seen;
    if (seen.size > mostSeen && oldest !== undefined) seen.delete(oldest);
    return true;
  };
  return { fresh: (body) => textsOf(body).filter((text) => text.length >= shortest && isFresh(text)) };
}
