/**
 * The names under which a price book may know a model, best first: as given, without the vendor's or the region's
 * prefix, without a routing suffix, without a date. Each step removes what names a route to the model and not the model.
 */
export function modelCandidates(model: string): readonly string[] {
  const given = model.trim().toLowerCase();
  const names = new Set([given]);
  for (const strip of steps) {
    for (const name of names) names.add(strip(name));
  }
  names.delete("");
  return [...names];
}

const steps: readonly ((name: string) => string)[] = [
  (name) => name.replace(/^models\//, ""),
  /** `:free`, `:nitro` (OpenRouter), `[1m]` (Claude Code). */
  (name) => name.replace(/(?::(?:free|nitro|floor|online|exacto|thinking)|\[1m\])$/, ""),
  /** `us.anthropic.…`, `global.anthropic.…` (Bedrock inference profiles). */
  (name) => name.replace(/^(?:us|eu|ap|apac|jp|au|ca|global|us-gov)\./, ""),
  (name) => name.slice(name.lastIndexOf("/") + 1),
  (name) => name.replace(/^(?:anthropic|meta|mistral|amazon|cohere|openai|google|deepseek|qwen|zai)\./, ""),
  /** `-v1:0` (Bedrock). */
  (name) => name.replace(/-v\d+(?::\d+)?$/, ""),
  /** `@20250929`, `@default` (Vertex), `-20250929`, `-2025-09-29`. */
  (name) => name.replace(/@(?:\d{8}|default|latest)$/, ""),
  (name) => name.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, ""),
  /** `claude-sonnet-4.5` (Copilot, OpenRouter) is `claude-sonnet-4-5` at its vendor. */
  (name) => (name.startsWith("claude-") ? name.replace(/(\d)\.(\d)/, "$1-$2") : name),
];

const vendors: readonly (readonly [pattern: RegExp, vendor: string])[] = [
  [/(?:^|[./])claude-/, "anthropic"],
  [/(?:^|\/)(?:gpt-|o[1345](?:-|$)|codex-|chatgpt-)/, "openai"],
  [/(?:^|\/)gemini-/, "google"],
  [/(?:^|\/)grok-/, "xai"],
  [/(?:^|\/)(?:mistral|codestral|devstral|magistral|ministral)-/, "mistral"],
  [/(?:^|\/)deepseek-/, "deepseek"],
  [/(?:^|\/)kimi-/, "moonshot"],
  [/(?:^|\/)glm-/, "zai"],
  [/(?:^|\/)qwen/, "alibaba"],
  [/(?:^|\/)minimax-/, "minimax"],
  [/(?:^|\/)command-/, "cohere"],
];

/** Whose model this is, by its family name; null for a family that no vendor of ours publishes. */
export function vendorOf(model: string): string | null {
  const name = model.toLowerCase();
  return vendors.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}
