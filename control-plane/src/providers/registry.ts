import { anthropic } from "./anthropic/connector.ts";
import type { Connector } from "./connector.ts";
import { cursor } from "./cursor/connector.ts";
import { demo } from "./demo/connector.ts";
import { gemini } from "./gemini/connector.ts";
import type { UsageProviderKind } from "./kinds.ts";
import { openai } from "./openai/connector.ts";
import { windsurf } from "./windsurf/connector.ts";

/** Every connector, in the order in which the form lists them. */
export const connectors: readonly Connector[] = [cursor, openai, anthropic, gemini, windsurf, demo];

export function findConnector(kind: UsageProviderKind): Connector | null {
  return connectors.find((connector) => connector.kind === kind) ?? null;
}
