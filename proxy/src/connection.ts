import type { IncomingMessage, ServerResponse } from "node:http";
import { constants } from "node:http2";
import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { systemCode } from "@flowstate/shared/errors";
import { createHttp2Sessions, type Http2Sessions, type Http2Stream } from "./accept/http2.ts";
import { divideByProtocol } from "./accept/listener.ts";
import { peerAddress, rawSocketOf } from "./accept/peer.ts";
import type { Timing } from "./config.ts";
import { connect, connectHttp2, type ConnectOptions } from "./connect.ts";
import { exchange, switchProtocol } from "./exchange.ts";
import { refuseSocket, type Refusal } from "./reply.ts";

/** What a listener cannot tell of its connections by itself. */
export interface Connections {
  readonly sessions: Http2Sessions;
  /** Connections that have not asked for anything yet, and requests that are not answered to their end, tunnels among them. */
  readonly unsettled: number;
  /** Cuts off whatever is unsettled. */
  destroy(): void;
}

/** Joins the stages for every connection of a listener. */
export function serveConnections(
  server: Server,
  options: ConnectOptions,
  timing: Pick<Timing, "headMs" | "idleMs">,
): Connections {
  const { events } = options;
  const waiting = new Set<Socket>();
  server.on("connection", (raw: Socket) => {
    waiting.add(raw);
    raw.once("close", () => waiting.delete(raw));
  });
  const onAsked = (socket: Socket): void => {
    const raw = socket instanceof TLSSocket ? rawSocketOf(socket) : null;
    if (raw !== null) waiting.delete(raw);
  };
  const asks = new Set<{ readonly client: Duplex }>();
  const serve = (client: Duplex, answered: Promise<void>): void => {
    const ask = { client };
    asks.add(ask);
    void answered.finally(() => asks.delete(ask));
  };
  const sessions = createHttp2Sessions((asked) => {
    onAsked(asked.connection);
    serve(asked.stream, serveStream(asked, options));
  }, timing.idleMs);
  divideByProtocol(server, (socket) => sessions.serve(socket), timing.headMs);
  server.on("secureConnection", () => events.connectionOpened());
  server.on("connect", (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    onAsked(socket);
    serve(socket, connect(request, socket, head, options));
  });
  server.on("upgrade", (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    onAsked(socket);
    serve(socket, switchProtocol(request, socket, head, options));
  });
  const onRequest = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    onAsked(request.socket);
    serve(request.socket, exchange(request, response, expectsContinue, options));
  };
  server.on("request", (request, response) => onRequest(request, response, false));
  server.on("checkContinue", (request, response) => onRequest(request, response, true));
  server.on("clientError", (error, socket) => {
    if (socket.destroyed || !socket.writable) return;
    const refusal = malformedHead(systemCode(error));
    if (refusal === null) socket.destroy();
    else refuseSocket(socket, refusal);
  });
  server.on("tlsClientError", (error: Error, socket: TLSSocket) => onTlsError(error, socket, options));
  return {
    sessions,
    get unsettled() {
      return waiting.size + asks.size;
    },
    destroy() {
      for (const { client } of asks) client.destroy();
      for (const raw of waiting) raw.destroy();
      sessions.destroy();
    },
  };
}

/** Anything but CONNECT is asked for again over HTTP/1.1, which carries it (RFC 9113 7). */
async function serveStream(
  { stream, headers, rawHeaders, connection }: Http2Stream,
  options: ConnectOptions,
): Promise<void> {
  if (headers[":method"] === "CONNECT") {
    await connectHttp2(stream, headers[":authority"] ?? "", rawHeaders, connection, options);
  } else {
    stream.on("error", () => undefined);
    stream.close(constants.NGHTTP2_HTTP_1_1_REQUIRED);
  }
}

function onTlsError(error: Error, socket: TLSSocket, { events, refusals }: ConnectOptions): void {
  const code = systemCode(error) ?? "unknown";
  const client = peerAddress(socket);
  if (code !== "ERR_SSL_HTTP_REQUEST" && code !== "ERR_SSL_HTTPS_PROXY_REQUEST") {
    events.tlsFailed(client, code);
    return;
  }
  refusals.note("clear_text");
  events.credentialInClear(client);
  const raw = rawSocketOf(socket);
  if (raw !== null) refuseSocket(raw, clearText);
}

const clearText: Refusal = {
  status: 400,
  error: "http_protocol_error",
  text: "this port speaks TLS: write https:// before the proxy's name; a credential that came in clear text is exposed and should be rotated",
};

/** The answer to a head that the parser refused; null where the peer is gone. */
function malformedHead(code: string | null): Refusal | null {
  switch (code) {
    case "ECONNRESET":
    case "EPIPE":
      return null;
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, error: "http_protocol_error", text: "the request head is larger than 16 KiB" };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, error: "http_protocol_error", text: "the request head did not arrive in time" };
    default:
      return {
        status: 400,
        error: "http_protocol_error",
        text: "the request head is not HTTP/1.1 as RFC 9112 has it",
      };
  }
}
