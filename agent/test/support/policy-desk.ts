import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { WebSocketServer, type WebSocket } from "ws";
import {
  defaultAgentSettings,
  type AgentPolicy,
  type PolicyMessage,
} from "@flowstate/shared/wire/agent-policy";

/**
 * The address of a control plane where agents ask what to do, and follow a stream of it: an answer waits as long as
 * there is nothing new.
 */
export interface FakePolicyDesk extends AsyncDisposable {
  readonly url: string;
  /** How often it was asked. */
  readonly asked: number;
  /** Questions of agents that have the newest policy and wait for a newer one. */
  readonly waiting: number;
  /** Streams that are open. */
  readonly streams: ReadonlySet<WebSocket>;
  /** Tags that agents named when they opened a stream. */
  readonly known: readonly string[];
  /** Answers with this status instead of a policy or a stream; null ends it. */
  status: number | null;
  /** Whether a stream is opened for who asks for one, refused, or neither, as where something on the way swallows it. */
  upgrades: "opened" | "refused" | "swallowed";
  put(change: Partial<AgentPolicy>): void;
  /** Events that agents reported, as they came. */
  readonly reported: readonly unknown[];
}

export interface PolicyDeskOptions {
  /** With TLS, and this certificate. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function startPolicyDesk({ tls }: PolicyDeskOptions = {}): Promise<FakePolicyDesk> {
  let policy: AgentPolicy = {
    version: null,
    issuedAt: new Date().toISOString(),
    settings: defaultAgentSettings,
    rules: [],
    hasCostCentre: null,
  };
  let asked = 0;
  const waiting = new Set<ServerResponse>();
  const etag = (): string => `"${hash("sha256", JSON.stringify(policy), "hex").slice(0, 16)}"`;
  const reported: unknown[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { events } = JSON.parse(gunzipSync(await buffer(request)).toString()) as { events: unknown[] };
    reported.push(...events);
    response.end(JSON.stringify({ accepted: events.length, duplicates: 0, rejected: [] }));
  };
  const send = (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/json", etag: etag() });
    response.end(JSON.stringify(policy));
  };
  const sockets = new WebSocketServer({ noServer: true });
  const known: string[] = [];
  const push = (socket: WebSocket): void => {
    socket.send(JSON.stringify({ type: "policy", etag: etag(), policy } satisfies PolicyMessage));
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === "/ingest/v1/sessions") return void take(request, response);
    if (request.url !== "/ingest/v1/policy") return void response.writeHead(404).end("{}");
    asked += 1;
    if (desk.status !== null) return void response.writeHead(desk.status).end("{}");
    if (request.headers["if-none-match"] !== etag()) return send(response);
    if (request.headers["prefer"] === undefined) return void response.writeHead(304).end();
    waiting.add(response);
    response.once("close", () => waiting.delete(response));
  };
  const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
  const connections = new Set<Socket>();
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (desk.upgrades === "swallowed") return;
    const status = request.url === "/ingest/v1/stream" ? desk.status : 404;
    if (desk.upgrades === "refused" || status !== null) {
      return void socket.end(
        `HTTP/1.1 ${status ?? 403} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      );
    }
    sockets.handleUpgrade(request, socket, head, (stream) => {
      const tag = request.headers["if-none-match"] ?? "";
      known.push(tag);
      sockets.emit("connection", stream, request);
      if (tag !== etag()) push(stream);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const desk: FakePolicyDesk = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get asked() {
      return asked;
    },
    get waiting() {
      return waiting.size;
    },
    streams: sockets.clients,
    known,
    status: null,
    upgrades: "opened",
    reported,
    put(change) {
      policy = { ...policy, issuedAt: new Date().toISOString(), ...change };
      for (const response of waiting) send(response);
      waiting.clear();
      for (const socket of sockets.clients) push(socket);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return desk;
}
