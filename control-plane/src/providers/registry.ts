import { anthropic } from "./anthropic/connector.ts";
import { awsBedrock } from "./aws-bedrock/connector.ts";
import { azureOpenai } from "./azure-openai/connector.ts";
import type { Connector } from "./connector.ts";
import { cursor } from "./cursor/connector.ts";
import { demo } from "./demo/connector.ts";
import { fal } from "./fal/connector.ts";
import { fireworks } from "./fireworks/connector.ts";
import { gemini } from "./gemini/connector.ts";
import { githubCopilot } from "./github-copilot/connector.ts";
import { groq } from "./groq/connector.ts";
import type { UsageProviderKind } from "./kinds.ts";
import { openai } from "./openai/connector.ts";
import { openrouter } from "./openrouter/connector.ts";
import { replicate } from "./replicate/connector.ts";
import { together } from "./together/connector.ts";
import { windsurf } from "./windsurf/connector.ts";

/** Every connector, in the order in which the form lists them. */
export const connectors: readonly Connector[] = [
  cursor,
  openai,
  anthropic,
  gemini,
  windsurf,
  githubCopilot,
  awsBedrock,
  azureOpenai,
  openrouter,
  together,
  fireworks,
  groq,
  replicate,
  fal,
  demo,
];

export function findConnector(kind: UsageProviderKind): Connector | null {
  return connectors.find((connector) => connector.kind === kind) ?? null;
}
