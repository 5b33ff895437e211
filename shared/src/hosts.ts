import { aiHosts } from "./hosts.data.ts";

export type AiApi =
  | "anthropic"
  | "openai"
  | "gemini"
  | "gemini-code-assist"
  | "bedrock"
  | "cohere"
  | "ollama";

export interface AiHost {
  readonly pattern: string;
  /** Provider slug, as in the wire messages. */
  readonly provider: string;
  /** capture: usage can be read on the device; count: tunnels only; pinned: never intercept; ignore: no AI usage. */
  readonly mode: "capture" | "count" | "pinned" | "ignore";
  /** Dialects spoken there. */
  readonly apis: readonly AiApi[];
  /** Where not empty, `mode` holds for these path prefixes only and the rest is counted. */
  readonly paths: readonly string[];
}

/** The AI service behind a host name in canonical form (lower case, no trailing dot), or null for any other host. */
export function recogniseHost(host: string): AiHost | null {
  const exact = exactHosts.get(host);
  if (exact !== undefined) return exact;
  for (const { row, expression } of patterns) if (expression.test(host)) return row;
  return null;
}

export { aiHosts };

const exactHosts = new Map(
  aiHosts.filter(({ pattern }) => !pattern.includes("*")).map((row) => [row.pattern, row]),
);
const patterns = aiHosts
  .filter(({ pattern }) => pattern.includes("*"))
  .map((row) => ({ row, expression: compile(row.pattern) }));

function compile(pattern: string): RegExp {
  const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
  const [head = "", ...rest] = parts;
  const body =
    head === "" && rest[0]?.startsWith("\\.")
      ? `(?:[^.]+\\.)+${rest[0].slice(2)}${joined(rest.slice(1))}`
      : head + joined(rest);
  return new RegExp(`^${body}$`);
}

function joined(parts: readonly string[]): string {
  return parts.map((part) => `[^.]+${part}`).join("");
}
