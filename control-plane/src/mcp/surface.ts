import { createMcpHandler, type McpHttpHandler } from "@modelcontextprotocol/server";
import { must } from "@flowstate/shared/assert";
import { readScope, type Scope } from "../oauth/scopes.ts";
import type { McpCaller } from "./caller.ts";
import { createUsageServer, type ToolServices } from "./tools.ts";

/** What stands behind the gate. */
export interface McpSurface {
  /** Answers one request; whose it is stands in `authInfo.extra.caller`. */
  readonly handler: Pick<McpHttpHandler, "fetch" | "close">;
  /** What a token may allow. Without `ai.read` none passes the gate; a tool may demand more. */
  readonly scopes: readonly Scope[];
}

/** The usage tools, stateless, in the newest revision and the one before. */
export function createUsageSurface(services: ToolServices): McpSurface {
  const handler = createMcpHandler(({ authInfo }) => {
    const caller = must(authInfo?.extra?.["caller"], "a request reached MCP without a caller");
    return createUsageServer(caller as McpCaller, services);
  });
  return { handler, scopes: [readScope] };
}
