import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** Every kind of integration, as GraphQL and the command line name it. */
export const usageProviderKinds = [
  "CURSOR",
  "OPENAI",
  "ANTHROPIC",
  "GEMINI",
  "WINDSURF",
  "GITHUB_COPILOT",
  "DEMO",
  "AWS_BEDROCK",
  "AZURE_OPENAI",
  "OPENROUTER",
  "TOGETHER",
  "FIREWORKS",
  "GROQ",
  "REPLICATE",
  "FAL",
  "CSV_IMPORT",
] as const;

export type UsageProviderKind = (typeof usageProviderKinds)[number];

/** Reads a kind as people type it, such as `aws-bedrock`. */
export function parseKind(given: string): Parsed<UsageProviderKind> {
  const kind = usageProviderKinds.find((known) => known === given.toUpperCase().replaceAll("-", "_"));
  return kind === undefined
    ? refuse(
        "not_a_kind",
        `"${given.slice(0, 40)}" is no kind of provider; use one of ${usageProviderKinds.join(", ")}`,
      )
    : ok(kind);
}

/** What each kind connects, for people. */
export const kindLabels: Readonly<Record<UsageProviderKind, string>> = {
  CURSOR: "Cursor",
  OPENAI: "OpenAI Codex / ChatGPT",
  ANTHROPIC: "Anthropic / Claude Code",
  GEMINI: "Gemini",
  WINDSURF: "Windsurf",
  GITHUB_COPILOT: "GitHub Copilot",
  DEMO: "Demo",
  AWS_BEDROCK: "AWS Bedrock",
  AZURE_OPENAI: "Azure OpenAI",
  OPENROUTER: "OpenRouter",
  TOGETHER: "Together AI",
  FIREWORKS: "Fireworks",
  GROQ: "Groq",
  REPLICATE: "Replicate",
  FAL: "fal.ai",
  CSV_IMPORT: "Imported bills",
};

/**
 * The provider slugs that calls and identities carry for what a kind bills, its own first. An import bills for any
 * provider.
 */
export const providerSlugs: Readonly<Record<UsageProviderKind, readonly string[]>> = {
  CURSOR: ["cursor"],
  OPENAI: ["openai"],
  ANTHROPIC: ["anthropic"],
  GEMINI: ["google", "google-vertex"],
  WINDSURF: ["windsurf"],
  GITHUB_COPILOT: ["github-copilot"],
  DEMO: ["demo"],
  AWS_BEDROCK: ["aws-bedrock"],
  AZURE_OPENAI: ["azure-openai"],
  OPENROUTER: ["openrouter"],
  TOGETHER: ["together"],
  FIREWORKS: ["fireworks"],
  GROQ: ["groq"],
  REPLICATE: ["replicate"],
  FAL: ["fal"],
  CSV_IMPORT: [],
};
