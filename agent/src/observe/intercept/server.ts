import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { recogniseHost } from "@flowstate/shared/hosts";
import type { Logger } from "@flowstate/shared/log";
import type { HostPort } from "@flowstate/shared/net/host-port";
import { hourMs } from "@flowstate/shared/time";
import type { KeyedCertificate } from "@flowstate/shared/tls/certificate";
import { mostHelloBytes, parseClientHello, type ClientHello } from "@flowstate/shared/tls/client-hello";
import type { FormatCount } from "../../ledger/formats.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import type { Dial } from "../../relay/dial.ts";
import { join, reset } from "../../relay/join.ts";
import { leafStore } from "./leaves.ts";
import { carryHttp1 } from "./carry-http1.ts";
import { carryHttp2 } from "./carry-http2.ts";
import type { AnswerListener } from "./exchange.ts";
import { watchCalls, type Decide, type KeepWords } from "./watch.ts";

export interface InterceptOptions {
  readonly authority: KeyedCertificate;
  /** PEM of authorities that providers are verified with; undefined means the system's. */
  readonly upstreamCa: readonly string[] | undefined;
  readonly onSighting: (sighting: Sighting) => void;
  /** Takes how the answers of an API were understood. */
  readonly onFormat?: (count: FormatCount) => void;
  /** What judges calls now; null while nothing does. */
  readonly judge: () => Decide | null;
  /** What listens to an answer that begins; null while nothing does. */
  readonly listen?: () => AnswerListener | null;
  /** What takes the words of calls now; null while nobody may know them. */
  readonly keepWords?: () => KeepWords | null;
  readonly log: Logger;
  readonly now?: () => number;
}

/** A tunnel that was asked for and whose target is connected. */
export interface InterceptedTunnel {
  readonly client: Socket;
  readonly target: Socket;
  readonly to: HostPort;
  readonly userAgent: string;
  /** For a second connection, where the first was spent on finding out. */
  readonly dial: Dial;
}

/** A client that does not trust this device's authority, as `doctor` shows it. */
export interface Distrust {
  readonly host: string;
  readonly userAgent: string;
  /** UTC epoch milliseconds. */
  readonly until: number;
}

export interface Intercept {
  /** Whether a tunnel is for a host whose calls are read. Everything else is to pass untouched. */
  wants(to: HostPort, userAgent: string): boolean;
  /** Takes over a tunnel after its 200. */
  accept(tunnel: InterceptedTunnel): void;
  distrust(): readonly Distrust[];
}

const distrustMs = 24 * hourMs;
const mostDistrust = 1000;

/**
 * Terminates the TLS of AI hosts between tool and provider and reads usage on the way. The provider is connected and
 * verified first, and its choice of protocol becomes the tool's. A provider that cannot be verified, a tunnel that
 * holds no TLS and a client that refuses the device's authority get the plain tunnel.
 */
export function startIntercept(options: InterceptOptions): Intercept {
  const { authority, log, listen = () => null, keepWords = () => null, now = Date.now } = options;
  const leafFor = leafStore(authority, now);
  const distrusting = new Map<string, Distrust>();
  /** Clients that have sent something through an intercepted tunnel, and so trust the device. */
  const trusting = new Set<string>();
  const keyOf = (host: string, userAgent: string): string => `${host} ${userAgent}`;

  const noteResult = (host: string, userAgent: string, trusts: boolean): void => {
    const key = keyOf(host, userAgent);
    if (trusts && trusting.size < mostDistrust) trusting.add(key);
    // One that has trusted before broke off for another reason.
    if (trusts || trusting.has(key)) return;
    distrusting.set(key, { host, userAgent, until: now() + distrustMs });
    const oldest = distrusting.keys().next().value;
    if (distrusting.size > mostDistrust && oldest !== undefined) distrusting.delete(oldest);
    log.warn({ host, userAgent }, "a client does not trust the device authority; its tunnels pass untouched");
  };

  const accept = async ({ client, target, to, userAgent, dial }: InterceptedTunnel): Promise<void> => {
    const aiHost = recogniseHost(to.host);
    const hello = await peekHello(client);
    if (hello === null) return reset(target);
    if (hello.kind !== "hello" || aiHost === null) return join(client, target);
    const upstream = await secureUpstream(target, hello, to, options.upstreamCa);
    if (upstream === null) return passAnew(client, to, dial);
    const secured = await secureClient(client, upstream, await leafFor(to.host));
    if (secured === null) {
      noteResult(to.host, userAgent, false);
      upstream.destroy();
      return;
    }
    watchTrust(secured, now, (trusts) => noteResult(to.host, userAgent, trusts));
    const onError = (error: unknown): void =>
      log.error({ err: error, host: to.host }, "could not read a call");
    const { judge, onSighting, onFormat = () => undefined } = options;
    const calls = { host: to.host, aiHost, judge, listen, onSighting, onFormat, keepWords, onError, now };
    const watch = watchCalls(calls);
    if (upstream.alpnProtocol === "h2") carryHttp2(secured, upstream, to.host, watch);
    else carryHttp1(secured, upstream, watch);
  };

  return {
    wants(to, userAgent) {
      if (to.family !== 0 || recogniseHost(to.host)?.mode !== "capture") return false;
      return (distrusting.get(keyOf(to.host, userAgent))?.until ?? 0) <= now();
    },
    accept: (tunnel) =>
      void accept(tunnel).catch((error: unknown) => {
        log.error({ err: error, host: tunnel.to.host }, "could not intercept a tunnel");
        reset(tunnel.client);
        reset(tunnel.target);
      }),
    distrust: () => [...distrusting.values()].filter(({ until }) => until > now()),
  };
}

/** The first flight of a tunnel, which stays unread in the socket; null when the client goes away before it is whole. */
async function peekHello(client: Socket): Promise<ClientHello | null> {
  const { promise, resolve } = Promise.withResolvers<ClientHello | null>();
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const hello = parseClientHello(seen);
    if (hello.kind === "incomplete" && seen.length <= mostHelloBytes) return;
    resolve(hello);
  };
  const onGone = (): void => resolve(null);
  client.on("data", onData).once("end", onGone).once("close", onGone);
  const hello = await promise;
  client.off("data", onData).off("end", onGone).off("close", onGone);
  client.pause();
  if (seen.length > 0 && !client.destroyed) client.unshift(seen);
  return hello;
}

/** TLS to the provider, verified; null where it cannot be. */
async function secureUpstream(
  target: Socket,
  { serverName, offersHttp2 }: Extract<ClientHello, { kind: "hello" }>,
  to: HostPort,
  ca: readonly string[] | undefined,
): Promise<TLSSocket | null> {
  const socket = connect({
    socket: target,
    servername: serverName ?? to.host,
    host: to.host,
    ALPNProtocols: offersHttp2 ? ["h2", "http/1.1"] : ["http/1.1"],
    ...(ca === undefined ? {} : { ca: [...ca] }),
  });
  try {
    await once(socket, "secureConnect");
    return socket;
  } catch {
    target.destroy();
    return null;
  }
}

/**
 * TLS to the tool, with the protocol that the provider chose; null where the handshake fails, which is nearly always a
 * client that does not accept the certificate. A server of its own carries the tunnel's events.
 */
async function secureClient(
  client: Socket,
  upstream: TLSSocket,
  leaf: KeyedCertificate,
): Promise<TLSSocket | null> {
  const chosen = upstream.alpnProtocol === "h2" ? "h2" : "http/1.1";
  const server = createServer({
    cert: leaf.certificate,
    key: leaf.privateKey,
    ticketKeys,
    ALPNCallback: ({ protocols }) =>
      protocols.includes(chosen) ? chosen : protocols.find((protocol) => protocol !== "h2"),
  });
  const { promise, resolve } = Promise.withResolvers<TLSSocket | null>();
  server.once("secureConnection", (socket) => {
    socket.allowHalfOpen = true;
    resolve(socket);
  });
  server.once("tlsClientError", () => resolve(null));
  client.once("close", () => resolve(null));
  // A client that goes away during the handshake must not leave a half-open connection behind.
  client.allowHalfOpen = false;
  server.emit("connection", client);
  return promise;
}

/**
 * Some clients, Node's among them, finish the handshake before they look at the certificate, and then go away without
 * a word.
 */
function watchTrust(client: TLSSocket, now: () => number, onResult: (trusts: boolean) => void): void {
  const securedAt = now();
  client.once("close", () => {
    if (client.bytesRead > 0) onResult(true);
    else if (now() - securedAt < silentCloseMs) onResult(false);
  });
}

const silentCloseMs = 2000;

/** One for all tunnels, so that a tool resumes its session on the next one. */
const ticketKeys = randomBytes(48);

/** A provider whose certificate does not hold: the tool shall see that certificate itself. */
async function passAnew(client: Socket, to: HostPort, dial: Dial): Promise<void> {
  const dialled = await dial(to, new AbortController().signal);
  if (dialled.kind === "refused") return reset(client);
  join(client, dialled.socket);
}
