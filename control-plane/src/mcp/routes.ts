import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "@flowstate/shared/clock";
import { bearerToken } from "../access/bearer.ts";
import { actorOf } from "../access/check.ts";
import { createPace } from "../access/pace.ts";
import { readSurfaceSettings } from "../orgs/surfaces.ts";
import { noteApplicationUse } from "../oauth/applications.ts";
import { readScope } from "../oauth/scopes.ts";
import type { Store } from "../store/open.ts";
import { findCaller, type CallerDependencies, type McpCaller } from "./caller.ts";
import type { McpSurface } from "./surface.ts";

/** The endpoint, and the product's documented name for it. */
export const mcpPaths = ["/mcp", "/api/mcp/protocol"] as const;

/** Of one person, or one API key. */
const callsPerMinute = 100;

export interface McpDependencies extends CallerDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly publicUrl: () => URL;
  readonly handler: McpSurface["handler"];
}

/** The gate before MCP: who asks, what the token allows, how often; what passes it is the handler's to answer. */
export async function mcpRoutes(app: FastifyInstance, dependencies: McpDependencies): Promise<void> {
  const { store, clock, publicUrl, handler } = dependencies;
  // Before the server waits for its connections: a subscription would hold one open for ever.
  app.addHook("preClose", () => handler.close());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: 100_000 }, (_, body, done) =>
    done(null, body),
  );

  const pace = createPace(clock, callsPerMinute);
  for (const path of mcpPaths) {
    const metadata = `/.well-known/oauth-protected-resource${path}`;
    const challenge = (error = ""): string =>
      `Bearer ${error}resource_metadata="${new URL(metadata, publicUrl()).href}", scope="${readScope.name}"`;
    app.get(metadata, async (_, reply) => {
      void reply.header("access-control-allow-origin", "*");
      return {
        resource: new URL(path, publicUrl()).href,
        authorization_servers: [publicUrl().origin],
        scopes_supported: [readScope.name],
        bearer_methods_supported: ["header"],
        resource_name: "Flowstate AI usage",
      };
    });
    app.route({
      url: path,
      method: ["GET", "POST", "DELETE"],
      handler: async (request, reply) => {
        void reply.header("cache-control", "no-store");
        const { origin } = request.headers;
        if (origin !== undefined && origin !== publicUrl().origin) {
          return refuse(reply, 403, "FS_FORBIDDEN", "this address answers no page of another site");
        }
        const token = bearerToken(request.headers.authorization);
        const caller = token === "" ? null : await findCaller(token, dependencies);
        if (caller === null) {
          const error = token === "" ? "" : 'error="invalid_token", ';
          void reply.header("www-authenticate", challenge(error));
          return refuse(reply, 401, "FS_UNAUTHENTICATED", "connect the application, or send an API key");
        }
        if (!caller.scopes.includes(readScope.name)) {
          void reply.header("www-authenticate", challenge('error="insufficient_scope", '));
          return refuse(reply, 403, "FS_FORBIDDEN", `this needs the scope ${readScope.name}`);
        }
        const { orgId } = caller.principal;
        if (!(await readSurfaceSettings(store.reader, orgId)).mcpEnabled) {
          return refuse(reply, 403, "mcp_disabled", "your organisation has turned MCP off");
        }
        const { admitted, remaining, resetSeconds } = pace(`${orgId}/${actorOf(caller.principal)}`);
        void reply.headers({
          "x-ratelimit-limit": callsPerMinute,
          "x-ratelimit-remaining": remaining,
          "x-ratelimit-reset": resetSeconds,
        });
        if (!admitted) {
          void reply.header("retry-after", resetSeconds);
          return refuse(reply, 429, "FS_RATE_LIMITED", `at most ${callsPerMinute} requests a minute`);
        }
        if (caller.grantId !== null) await noteApplicationUse(store, caller.grantId, clock.now());
        if (isBatch(request.body)) {
          return refuse(reply, 400, "FS_INPUT_INVALID", "send one JSON-RPC message at a time");
        }
        const authInfo = authInfoOf(caller, token, new URL(metadata, publicUrl()).href);
        return pass(await handler.fetch(requestOf(request, publicUrl()), { authInfo }), reply);
      },
    });
  }
}

function authInfoOf(caller: McpCaller, token: string, resourceMetadataUrl: string) {
  const { clientId, scopes, expiresAt } = caller;
  const expiry = expiresAt === null ? {} : { expiresAt };
  return { token, clientId, scopes: [...scopes], ...expiry, resourceMetadataUrl, extra: { caller } };
}

function refuse(reply: FastifyReply, status: number, code: string, title: string): FastifyReply {
  return reply.code(status).type("application/problem+json").send({ title, status, code, error: code });
}

/** Many messages in one request, which would count as one; no revision has had them since 2025-06-18. */
function isBatch(body: unknown): boolean {
  return Buffer.isBuffer(body) && /^\s*\[/.test(body.toString());
}

/** Only what MCP needs goes on: neither the cookie nor the token. */
function requestOf(request: FastifyRequest, publicUrl: URL): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    const wanted = name === "accept" || name === "content-type" || name.startsWith("mcp-");
    if (wanted && typeof value === "string") headers.set(name, value);
  }
  const body = Buffer.isBuffer(request.body) ? { body: new Uint8Array(request.body) } : {};
  return new Request(new URL(request.url, publicUrl), { method: request.method, headers, ...body });
}

async function pass(answer: Response, reply: FastifyReply): Promise<FastifyReply> {
  void reply.code(answer.status);
  for (const [name, value] of answer.headers) void reply.header(name, value);
  if (answer.body === null) return reply.send();
  if (answer.headers.get("content-type")?.startsWith("text/event-stream") !== true) {
    return reply.send(await answer.text());
  }
  void reply.header("x-accel-buffering", "no");
  return reply.send(Readable.fromWeb(answer.body as ReadableStream));
}
