import { once } from "node:events";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import { certificateFor } from "./tls.ts";

export type ProviderRequest = IncomingMessage | Http2ServerRequest;
/** What both kinds of response can do. */
export interface ProviderResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  write(chunk: string | Buffer): boolean;
  end(chunk?: string | Buffer): unknown;
  once(event: "close", listener: () => void): unknown;
  destroy(): unknown;
  /** HTTP/2 alone has one. */
  readonly stream?: Http2ServerResponse["stream"];
}

/** A TLS server over HTTP/1.1 and HTTP/2 that stands for providers, with a certificate for their names. */
export interface Provider extends AsyncDisposable {
  readonly port: number;
  /** Requests that arrived, as `method host path version`. */
  readonly requests: readonly string[];
}

export const providerHosts = [
  "api.openai.com",
  "api.anthropic.com",
  "generativelanguage.googleapis.com",
  "bedrock-runtime.us-east-1.amazonaws.com",
  "example.com",
] as const;

/** What a provider says over an upgraded connection. */
export type Talk = (socket: WebSocket, request: IncomingMessage) => void;

export interface ProviderOptions {
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** What comes over an upgraded connection is sent back as it is unless given. Null for no upgrades. */
  readonly talk?: Talk | null;
  /** How messages are compressed where the client wants it; not at all unless given. */
  readonly compression?: boolean | object;
}

export async function startProvider(
  answer: (request: ProviderRequest, response: ProviderResponse) => void | Promise<void>,
  { certificate = certificateFor(...providerHosts), talk, compression = false }: ProviderOptions = {},
): Promise<Provider> {
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: compression });
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createSecureServer({ ...certificate, allowHTTP1: true }, (request, response) => {
    const host = request.headers[":authority"] ?? request.headers.host ?? "";
    requests.push(`${request.method} ${host} ${request.url} ${request.httpVersion}`);
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    void answer(request, response as unknown as ProviderResponse);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
  });
  const upgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    requests.push(`UPGRADE ${request.headers.host ?? ""} ${request.url ?? ""} ${request.httpVersion}`);
    if (talk) {
      webSockets.handleUpgrade(request, socket, head, (opened) => {
        opened.on("error", () => undefined);
        talk(opened, request);
      });
      return;
    }
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.pipe(socket);
  };
  if (talk !== null) server.on("upgrade", upgrade);
  server.on("sessionError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
