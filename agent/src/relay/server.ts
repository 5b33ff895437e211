import { once } from "node:events";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { isIPv4, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import type { Logger } from "@flowstate/shared/log";
import { http } from "@flowstate/shared/net/http";
import type { HostPort } from "@flowstate/shared/net/host-port";
import { minuteMs } from "@flowstate/shared/time";
import type { Intercept } from "../observe/intercept/server.ts";
import {
  cloudDial,
  credentialField,
  dialInTurn,
  directDial,
  proxyRequest,
  upstreamDial,
  type CloudProxy,
  type Dial,
} from "./dial.ts";
import { drain } from "./drain.ts";
import { forwardedFields } from "./fields.ts";
import { parseAsk, parseTunnelTarget } from "./guard.ts";
import { join, reset } from "./join.ts";
import { pacScript, type WhenDown } from "./pac.ts";
import { notYours, type Admits } from "./peer.ts";
import type { Upstream } from "./upstream.ts";

export interface RelayOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Null where nothing is forwarded to a cloud proxy: tunnels then go straight to their targets. */
  readonly cloudProxy: CloudProxy | null;
  /** The network's own proxy as of now; null, or absent, where everything leaves the device directly. */
  readonly upstream?: () => Upstream | null;
  /** What becomes of a tunnel while the cloud proxy cannot be reached. */
  readonly whenDown: WhenDown;
  /** Reads what goes to AI hosts; null where every tunnel passes untouched. */
  readonly intercept: Intercept | null;
  /** Whether a connection may be served; null, or absent, where every one may. Asked once a connection. */
  readonly admits?: Admits | null;
  readonly log: Logger;
}

export interface Relay extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
}

/**
 * The loopback proxy for tools that cannot use an authenticated TLS proxy: it takes CONNECT and absolute-form requests
 * without credentials and adds credentials and TLS on the way to the cloud proxy. Rejects with FS_ADDRESS_IN_USE.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { log } = options;
  const dial = relayDial(options);
  const server = http.createServer({
    requestTimeout: 0,
    keepAliveTimeout: 30_000,
    // Node looks for slow heads twice a minute, also where nobody is connected.
    connectionsCheckingInterval: 5 * minuteMs,
    noDelay: true,
  });
  const clients = new Set<Socket>();
  const admitted = new WeakMap<Duplex, Promise<boolean>>();
  const serve = (client: Duplex, answer: (may: boolean) => void): void => {
    const admission = admitted.get(client);
    if (admission === undefined) answer(true);
    else void admission.then((may) => client.destroyed || answer(may));
  };
  server.on("connection", (socket: Socket) => {
    clients.add(socket);
    if (options.admits != null) admitted.set(socket, options.admits(socket));
    socket.on("error", () => undefined);
    socket.once("close", () => clients.delete(socket));
  });
  server.on("clientError", (_, socket) => answerAndClose(socket, 400, "the request is not valid HTTP/1.1"));
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening").catch((error: unknown) => {
    const code = systemCode(error);
    throw code === "EADDRINUSE"
      ? new FlowstateError("FS_ADDRESS_IN_USE", `port ${options.port} of 127.0.0.1 is taken`, {
          cause: error,
        })
      : error;
  });
  const { port } = server.address() as AddressInfo;

  const onConnect = (request: IncomingMessage, client: Socket, head: Buffer): void => {
    const to = parseTunnelTarget(request.url ?? "", port);
    if (!to.ok) return answerAndClose(client, 400, to.detail);
    if (head.length > 0) client.unshift(head);
    const userAgent = request.headers["user-agent"] ?? "";
    void openTunnel({ client, to: to.value, userAgent, dial, intercept: options.intercept, log });
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const ask = parseAsk(headOf(request), port);
    if (!ask.ok) return refuseRequest(response, ask.reason === "bad_target" ? 400 : 403, ask.detail);
    if (ask.value.kind === "own") return serveOwn(ask.value.path, request, response, port, options.whenDown);
    forward(request, response, onward(request, ask.value, options));
  };
  const onUpgrade = (request: IncomingMessage, client: Socket, head: Buffer): void => {
    const ask = parseAsk(headOf(request), port);
    if (!ask.ok || ask.value.kind === "own")
      return answerAndClose(client, 403, "the relay takes no upgrade itself");
    if (head.length > 0) client.unshift(head);
    forwardUpgrade(client, onward(request, ask.value, options));
  };
  server.on("connect", (request: IncomingMessage, client: Socket, head: Buffer) => {
    serve(client, (may) => (may ? onConnect(request, client, head) : answerAndClose(client, 403, refusal)));
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    serve(request.socket, (may) =>
      may ? onRequest(request, response) : refuseRequest(response, 403, refusal),
    );
  });
  server.on("upgrade", (request: IncomingMessage, client: Socket, head: Buffer) => {
    serve(client, (may) => (may ? onUpgrade(request, client, head) : answerAndClose(client, 403, refusal)));
  });

  return {
    port,
    address: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await drain(clients);
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}

const refusal = notYours("relay");

/** The way to a target: the cloud proxy where there is one, and as `whenDown` says without it. */
export function relayDial({
  cloudProxy,
  whenDown,
  upstream = () => null,
}: Pick<RelayOptions, "cloudProxy" | "whenDown" | "upstream">): Dial {
  const onward = (): Dial | null => {
    const proxy = upstream();
    return proxy === null ? null : upstreamDial(proxy);
  };
  const direct = directDial();
  const out: Dial = (to, signal) => (isLoopback(to.host) ? direct : (onward() ?? direct))(to, signal);
  if (cloudProxy === null) return out;
  const through = cloudDial(cloudProxy, () => (isLoopback(cloudProxy.url.hostname) ? null : onward()));
  return whenDown === "direct" ? dialInTurn(through, out) : through;
}

/** What is on this device is reached without leaving it. */
function isLoopback(host: string): boolean {
  return ["localhost", "::1", "[::1]"].includes(host) || (isIPv4(host) && host.startsWith("127."));
}

interface Tunnel {
  readonly client: Socket;
  readonly to: HostPort;
  readonly userAgent: string;
  readonly dial: Dial;
  readonly intercept: Intercept | null;
  readonly log: Logger;
}

async function openTunnel({ client, to, userAgent, dial, intercept, log }: Tunnel): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  client.once("close", onClose);
  const dialled = await dial(to, gone.signal);
  client.off("close", onClose);
  if (dialled.kind === "refused") {
    log.debug({ host: to.host, status: dialled.refusal.status }, "refused a tunnel");
    return answerAndClose(client, dialled.refusal.status, dialled.refusal.text);
  }
  if (client.destroyed) return reset(dialled.socket);
  client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
  if (intercept?.wants(to, userAgent) === true)
    intercept.accept({ client, target: dialled.socket, to, userAgent, dial });
  else join(client, dialled.socket);
}

function serveOwn(
  path: string,
  { method }: IncomingMessage,
  response: ServerResponse,
  port: number,
  whenDown: WhenDown,
): void {
  if (path !== "/proxy.pac") return refuseRequest(response, 404, "the relay serves /proxy.pac only");
  if (method !== "GET" && method !== "HEAD") return refuseRequest(response, 405, "/proxy.pac takes GET");
  response.writeHead(200, {
    "content-type": "application/x-ns-proxy-autoconfig",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(method === "HEAD" ? undefined : pacScript(port, whenDown));
}

/** The request on its way: to a proxy in absolute form, or to the origin server itself. */
function onward(
  request: IncomingMessage,
  { to, authority, path }: { readonly to: HostPort; readonly authority: string; readonly path: string },
  { cloudProxy, upstream = () => null }: RelayOptions,
): ClientRequest {
  const { method = "GET" } = request;
  const fields = forwardedFields(request.rawHeaders, authority, request.headers.upgrade !== undefined);
  const beyond = upstream();
  const proxy = cloudProxy ?? (beyond === null || isLoopback(to.host) ? null : { ...beyond, ca: undefined });
  if (proxy === null) {
    const target = { host: to.host, port: to.port, path, agent: false as const };
    return http.request({ ...target, method, headers: fields.flat(), setHost: false });
  }
  const headers = [...fields, ...Object.entries(credentialField(proxy))].flat();
  const leaves = cloudProxy !== null && !isLoopback(cloudProxy.url.hostname);
  const via = leaves && beyond !== null ? upstreamDial(beyond) : null;
  return proxyRequest(proxy, { method, path: `http://${authority}${path}`, headers, setHost: false }, via);
}

function forward(request: IncomingMessage, response: ServerResponse, out: ClientRequest): void {
  out.on("response", (answer) => {
    if (answer.statusCode === 407)
      return refuseRequest(response, 502, "the cloud proxy does not accept this device's key");
    const fields = forwardedFields(answer.rawHeaders, null, false);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, fields.flat());
    answer.on("error", () => response.destroy());
    answer.once("close", () => {
      if (!answer.complete) response.destroy();
    });
    answer.pipe(response);
  });
  out.on("error", () => {
    if (response.headersSent) response.destroy();
    else refuseRequest(response, 502, "the next hop cannot be reached");
  });
  response.once("close", () => {
    if (!response.writableFinished) out.destroy();
  });
  request.pipe(out);
}

function forwardUpgrade(client: Socket, out: ClientRequest): void {
  out.once("upgrade", (answer, target: Socket, head) => {
    if (head.length > 0) target.unshift(head);
    client.write(headText(answer));
    join(client, target);
  });
  out.once("response", (answer) => {
    client.write(headText(answer));
    answer.pipe(client);
  });
  out.on("error", () => answerAndClose(client, 502, "the next hop cannot be reached"));
  client.once("close", () => out.destroy());
  out.end();
}

function headText({ statusCode = 502, statusMessage = "", rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2)
    lines.push(`${rawHeaders[at] ?? ""}: ${rawHeaders[at + 1] ?? ""}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function headOf({ url = "", headers }: IncomingMessage): Parameters<typeof parseAsk>[0] {
  const fetchSite = headers["sec-fetch-site"];
  return {
    url,
    host: headers.host,
    origin: headers.origin,
    fetchSite: Array.isArray(fetchSite) ? fetchSite[0] : fetchSite,
  };
}

function refuseRequest(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" });
  response.end(`${text}\n`);
}

/** A refusal of CONNECT ends the connection, because tunnel bytes may follow it already (RFC 9931). */
function answerAndClose(client: Duplex, status: number, text: string): void {
  if (!client.writable) return void client.destroy();
  const body = `${text}\n`;
  client.end(
    [
      `HTTP/1.1 ${status} Refused`,
      "Content-Type: text/plain; charset=utf-8",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Cache-Control: no-store",
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
  client.resume();
}
