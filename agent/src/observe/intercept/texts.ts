import { fields, items } from "../files/json.ts";

/** Fields whose text is no part of a prompt: pictures and the like, names and kinds, what a cache is told. */
const opaque = new Set([
  "data",
  "bytes",
  "audio",
  "url",
  "image_url",
  "id",
  "type",
  "role",
  "model",
  "signature",
  "encrypted_content",
  "call_id",
  "tool_call_id",
  "tool_use_id",
  "media_type",
  "cache_control",
]);
const deepest = 32;

/** Every text in a part of a request, whatever the API. */
export function textsOf(part: unknown): string[] {
  const texts: string[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value === "string") texts.push(value);
    else if (depth >= deepest) return;
    else if (Array.isArray(value)) for (const item of items(value)) visit(item, depth + 1);
    else
      for (const [name, item] of Object.entries(fields(value))) if (!opaque.has(name)) visit(item, depth + 1);
  };
  visit(part, 0);
  return texts;
}
