/**
 * What the protocol's conformance suite calls, mounted in place of the usage tools: names and answers are those that its
 * scenarios describe (@modelcontextprotocol/conformance, dist/index.js).
 */
import { randomBytes, randomUUID } from "node:crypto";
import {
  createMcpHandler,
  createRequestStateCodec,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
  type McpHandlerRequestOptions,
  type ServerNotifier,
} from "@modelcontextprotocol/server";
import type { McpSurface } from "../../src/mcp/surface.ts";
import { readScope, type Scope } from "../../src/oauth/scopes.ts";
import { addAskingTools, type StateCodec } from "./mcp-fixture-asking.ts";
import { addPrompts, addResources } from "./mcp-fixture-prompts.ts";
import { addAnsweringTools } from "./mcp-fixture-tools.ts";

/** A scope that the product does not have. */
export const wideScope: Scope = { name: "fixture.write", allows: "change what the fixture keeps" };

/** How requests of 2025-11-25 are served: one by one, as the product does, or in sessions that the server can ask back in. */
type Serving = "stateless" | "sessions";

export function createFixtureSurface(serving: Serving): McpSurface {
  // One key for every request, because the answer to a question may reach another server than the one that asked.
  const states: StateCodec = createRequestStateCodec({ key: randomBytes(32) });
  const create = (): McpServer => createFixtureServer(states, () => modern.notify);
  const modern = createMcpHandler(create, { legacy: serving === "stateless" ? "stateless" : "reject" });
  const sessions = createSessions(create);
  return {
    scopes: [readScope, wideScope],
    handler: {
      async fetch(request, options) {
        const inSession = serving === "sessions" && (await isLegacyRequest(request));
        return inSession ? sessions.fetch(request, options) : modern.fetch(request, options);
      },
      async close() {
        await sessions.close();
        await modern.close();
      },
    },
  };
}

function createFixtureServer(states: StateCodec, notifier: () => ServerNotifier): McpServer {
  const server = new McpServer(
    { name: "conformance-fixture", version: "1" },
    {
      capabilities: { logging: {}, completions: {}, resources: { subscribe: true } },
      requestState: { verify: states.verify },
    },
  );
  addAnsweringTools(server, notifier, wideScope);
  addAskingTools(server, states);
  addPrompts(server);
  addResources(server);
  return server;
}

/** 2025-11-25, basic/transports, "Session Management": one server for each client, found again by its session. */
function createSessions(create: () => McpServer) {
  const transports = new Map<string, WebStandardStreamableHTTPServerTransport>();
  return {
    async fetch(request: Request, options?: McpHandlerRequestOptions): Promise<Response> {
      const sessionId = request.headers.get("mcp-session-id");
      if (sessionId !== null) {
        const known = transports.get(sessionId);
        return known?.handleRequest(request, options) ?? new Response(null, { status: 404 });
      }
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void transports.set(id, transport),
        onsessionclosed: (id) => void transports.delete(id),
      });
      await create().connect(transport);
      return transport.handleRequest(request, options);
    },
    async close(): Promise<void> {
      await Promise.all([...transports.values()].map((transport) => transport.close()));
    },
  };
}
