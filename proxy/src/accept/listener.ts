import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo, BlockList, Server as NetServer, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import type { ListenerCertificate } from "./certificate.ts";
import { takeProxyHeader } from "./proxy-protocol.ts";
import type { Config } from "../config.ts";
import { maySwitch } from "../head/upgrade.ts";

/** Tokens of HTTP/2 and HTTP/1.1; the misspelt one is what https-proxy-agent 5 and old agents built on it offer. */
const protocolsSpoken = new Set(["h2", "http/1.1", "http 1.1"]);

const headBytes = 16 << 10;

/**
 * The TLS listener. It asks for no SNI (several clients send none), takes the ALPN token that the client puts first
 * (undici 8 that offers HTTP/1.1 before HTTP/2 and is answered h2 reconnects without end), and lets each side of a
 * connection end by itself. Renegotiation is refused.
 */
export function createListener(
  { clientCaFile, timing }: Pick<Config, "clientCaFile" | "timing">,
  { context }: ListenerCertificate,
  ticketKeys: Buffer,
): Server {
  const server = createServer({
    ...context,
    ticketKeys,
    ...(clientCaFile === null ? {} : { requestCert: true, rejectUnauthorized: false }),
    ALPNCallback: ({ protocols }) => protocols.find((protocol) => protocolsSpoken.has(protocol)),
    handshakeTimeout: timing.headMs,
    headersTimeout: timing.headMs,
    requestTimeout: 0,
    keepAliveTimeout: timing.headMs,
    connectionsCheckingInterval: 500,
    maxHeaderSize: headBytes,
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    allowHalfOpen: true,
    shouldUpgradeCallback: maySwitch,
  });
  // Fields are counted where the head is read: Node would cut the list short without a word.
  server.maxHeadersCount = 0;
  return server;
}

/** The first bytes of an HTTP/2 client (RFC 9113 3.4); no method begins so. */
const preface = Buffer.from("PRI * HTTP/2.0");

/**
 * Hands connections that speak HTTP/2 to `onHttp2`; the server keeps the others. What was negotiated is not enough:
 * Go's net/http offers h2 to a proxy, is answered h2 and speaks HTTP/1.1. So the client's first bytes decide, and
 * nothing is sent before them.
 */
export function divideByProtocol(
  server: Server,
  onHttp2: (socket: TLSSocket) => void,
  timeoutMs: number,
): void {
  const http1 = server.listeners("secureConnection");
  const serveHttp1 = (socket: TLSSocket): void => {
    for (const serve of http1) serve.call(server, socket);
  };
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket) => {
    if (socket.alpnProtocol !== "h2") return serveHttp1(socket);
    const ignore = (): void => undefined;
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    let begun: Buffer = Buffer.alloc(0);
    const look = (): void => {
      const more = socket.read() as Buffer | null;
      if (more === null) return;
      begun = Buffer.concat([begun, more]);
      const length = Math.min(begun.length, preface.length);
      const isPreface = begun.subarray(0, length).equals(preface.subarray(0, length));
      if (isPreface && length < preface.length) return;
      stop();
      socket.unshift(begun);
      if (isPreface) onHttp2(socket);
      else serveHttp1(socket);
    };
    const stop = (): void => {
      clearTimeout(timer);
      socket.off("readable", look).off("close", stop).off("end", give).off("error", ignore);
    };
    const give = (): void => void socket.destroy();
    socket.on("readable", look).once("close", stop).once("end", give).on("error", ignore);
    return undefined;
  });
}

/**
 * Takes each connection's PROXY header before its TLS begins. `trusted` are the balancers; nobody else is
 * served then.
 */
export function expectProxyHeader(server: Server, trusted: BlockList, timeoutMs: number): void {
  const begin = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    void takeProxyHeader(socket, trusted, timeoutMs).then((taken) => {
      if (taken) for (const serve of begin) serve.call(server, socket);
      return taken;
    });
  });
}

/** Binds, and says in one line why it cannot. Returns the port. */
export async function listen(server: NetServer, host: string, port: number): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    const code = systemCode(error);
    if (code === "EADDRINUSE")
      throw new FlowstateError("FS_ADDRESS_IN_USE", `${host}:${port} is in use by another program`, {
        cause: error,
      });
    if (code === "EACCES" || code === "EADDRNOTAVAIL") {
      throw new FlowstateError("FS_CONFIG_INVALID", `the proxy may not listen on ${host}:${port} (${code})`, {
        cause: error,
      });
    }
    throw error;
  }
  return (server.address() as AddressInfo).port;
}
