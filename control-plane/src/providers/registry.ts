import { anthropic } from "./anthropic/connector.ts";
import type { Connector } from "./connector.ts";
import { gemini } from "./gemini/connector.ts";
import type { UsageProviderKind } from "./kinds.ts";
import { windsurf } from "./windsurf/connector.ts";

/** Every connector, in the order in which the form lists them. */
export const connectors: readonly Connector[] = [anthropic, gemini, windsurf];

export function findConnector(kind: UsageProviderKind): Connector | null {
  return connectors.find((connector) => connector.kind === kind) ?? null;
}
