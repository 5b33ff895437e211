import { FlowstateError } from "@flowstate/shared/errors";
import type { Secret } from "@flowstate/shared/secret";

/** How a vendor failed us: what the admin can do differs. */
export type VendorFailure =
  /** The key is wrong, expired, or lacks a permission. */
  | "denied"
  /** There is no such thing, or the key may not know of it. */
  | "missing"
  /** Our request was not understood. */
  | "refused"
  | "throttled"
  /** No answer, a server error, or an answer that was cut off. */
  | "unreachable"
  /** An answer that is not of the form that the vendor describes. */
  | "changed"
  | "too_large";

/** A vendor's failure as FS_UPSTREAM. `message` must have gone through `hideCredentials`. */
export function vendorError(
  failure: VendorFailure,
  message: string,
  { status = null, cause }: { readonly status?: number | null; readonly cause?: unknown } = {},
): FlowstateError {
  return new FlowstateError("FS_UPSTREAM", message, { cause, details: { failure, status } });
}

/**
 * The text without credentials: the secrets themselves in any usual encoding, what begins like one of them, and what a
 * vendor has masked itself (OpenAI repeats both ends of a wrong key between asterisks).
 */
export function hideCredentials(text: string, secrets: readonly Secret[]): string {
  let shown = text;
  for (const secret of secrets) {
    const value = secret.reveal();
    if (value.length < 4) continue;
    for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString("base64")]) {
      shown = shown.replaceAll(form, hidden);
    }
    if (value.length >= 12) shown = shown.replace(wordsLike(value), hidden);
  }
  return shown.replace(/\S*\*{3,}\S*/g, hidden);
}

const hidden = "[credential]";

/** Words that share eight letters with either end of the secret: vendors cut keys short in many ways. */
function wordsLike(value: string): RegExp {
  const ends = [value.slice(0, 8), value.slice(-8)].map((end) => RegExp.escape(end));
  return new RegExp(`[^\\s"'<>]*(?:${ends.join("|")})[^\\s"'<>]*`, "g");
}

/** What a vendor says went wrong, out of the shapes in use; null where the body says nothing readable. */
export function vendorWords(body: string): string | null {
  const text = body.trim();
  if (text === "" || text.startsWith("<")) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return text.slice(0, maxWords);
  }
  return wordsIn(parsed, 0)?.slice(0, maxWords) ?? null;
}

const maxWords = 500;
const wordFields = ["message", "error_description", "detail", "error", "title", "errors"];

function wordsIn(value: unknown, depth: number): string | null {
  if (typeof value === "string") return value.trim() === "" ? null : value.trim();
  if (depth > 3 || typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return value.length === 0 ? null : wordsIn(value[0], depth + 1);
  const fields = value as Readonly<Record<string, unknown>>;
  for (const field of wordFields) {
    // The object that `error` holds says more than a bare "error" beside it.
    const words = wordsIn(
      field === "message" && isRecord(fields["error"]) ? fields["error"] : fields[field],
      depth + 1,
    );
    if (words !== null) return words;
  }
  return null;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Why there was no answer, in words that hold no address. */
export function describeNetworkError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "UND_ERR_SOCKET" || code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH")
    return "the answer was cut off";
  if (code.includes("TIMEOUT")) return "it did not answer in time";
  return `it could not be reached${code === "" ? "" : ` (${code})`}`;
}
