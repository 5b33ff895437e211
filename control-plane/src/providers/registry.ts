import { anthropic } from "./anthropic/connector.ts";
import type { Connector } from "./connector.ts";
import type { UsageProviderKind } from "./kinds.ts";

/** Every connector, in the order in which the form lists them. */
export const connectors: readonly Connector[] = [anthropic];

export function findConnector(kind: UsageProviderKind): Connector | null {
  return connectors.find((connector) => connector.kind === kind) ?? null;
}
