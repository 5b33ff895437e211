import type { ClientRequest, RequestOptions } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { systemCode } from "@flowstate/shared/errors";
import { http, https } from "@flowstate/shared/net/http";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { Secret } from "@flowstate/shared/secret";
import type { Upstream } from "./upstream.ts";

/** A byte path to a target, or why there is none, as the tool that asked for it is told. */
export type Dialled =
  | { readonly kind: "open"; readonly socket: Socket }
  | { readonly kind: "refused"; readonly refusal: DialRefusal };

export interface DialRefusal {
  readonly status: number;
  /** One sentence without a secret. */
  readonly text: string;
  /** The proxy could not be reached at all, so that another way may be tried. */
  readonly unreachable: boolean;
}

/** Never rejects. The socket may end one direction while the other still flows. */
export type Dial = (to: HostPort, signal: AbortSignal) => Promise<Dialled>;

/** A proxy on the way. */
export interface HttpProxy {
  /** `https://` or, on closed networks, `http://`. */
  readonly url: URL;
  /** `Basic …`; null where it asks for none. */
  readonly credential: Secret | null;
  /** PEM of authorities that the proxy's certificate is verified with; undefined means the system's. */
  readonly ca: readonly string[] | undefined;
}

/** The organisation's cloud proxy, which knows this device by the person's e-mail and the organisation's key. */
export interface CloudProxy extends HttpProxy {
  readonly credential: Secret;
}

const mostReasonBytes = 2048;

/** Straight to the target. */
export function directDial(): Dial {
  return async ({ host, port }, signal) => {
    const { promise, resolve } = Promise.withResolvers<Dialled>();
    const socket = connectTcp({ host, port, allowHalfOpen: true, noDelay: true, keepAlive: true });
    const stop = (): void => void socket.destroy(new Error("the tool went away"));
    const onError = (error: Error): void =>
      resolve(refused(502, `${host}:${port} cannot be reached (${systemCode(error) ?? "failed"})`, true));
    socket.once("error", onError);
    socket.once("connect", () => {
      signal.removeEventListener("abort", stop);
      socket.off("error", onError);
      resolve({ kind: "open", socket });
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    return promise;
  };
}

/** Through the cloud proxy, which itself is reached by `via` where there is such a way. */
export function cloudDial(proxy: CloudProxy, via: () => Dial | null = () => null): Dial {
  const where = `the cloud proxy ${proxy.url.host}`;
  return proxyDial(proxy, where, `${where} does not accept this device's key; run \`flowstate status\``, via);
}

/** Through the network's own proxy. */
export function upstreamDial({ url, credential }: Upstream): Dial {
  const where = `the upstream proxy ${url.host}`;
  const proxy = { url, credential, ca: undefined };
  return proxyDial(proxy, where, `${where} asks for another user or password`, () => null);
}

/** By CONNECT. Resolves only after the proxy's 2xx, so that no byte of a tunnel is ever read as a request (RFC 9931). */
function proxyDial(proxy: HttpProxy, where: string, refusedText: string, via: () => Dial | null): Dial {
  return async (to, signal) => {
    const { promise, resolve } = Promise.withResolvers<Dialled>();
    const authority = `${to.family === 6 ? `[${to.host}]` : to.host}:${to.port}`;
    const headers = { host: authority, ...credentialField(proxy) };
    const request = proxyRequest(proxy, { method: "CONNECT", path: authority, headers, signal }, via());
    request.once("connect", (answer, socket: Socket, head) => {
      const status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve({ kind: "open", socket });
        return;
      }
      socket.destroy();
      const reason = head.toString("utf8", 0, mostReasonBytes).trim();
      resolve(
        status === 407
          ? refused(502, refusedText)
          : refused(status, reason === "" ? `${where} answered ${status}` : reason),
      );
    });
    request.once("response", (answer) => {
      answer.destroy();
      resolve(refused(502, `${where} answered ${answer.statusCode ?? 0} to CONNECT`));
    });
    request.on("error", (error) =>
      resolve(refused(502, `${where} cannot be reached (${systemCode(error) ?? error.message})`, true)),
    );
    request.end();
    return promise;
  };
}

/** The first way, and where its proxy cannot be reached at all the second. A refusal is an answer and stands. */
export function dialInTurn(first: Dial, second: Dial): Dial {
  return async (to, signal) => {
    const dialled = await first(to, signal);
    return dialled.kind === "refused" && dialled.refusal.unreachable ? second(to, signal) : dialled;
  };
}

/** A request to a proxy itself, on a connection of its own, which `via` opens where it is not null. */
export function proxyRequest(
  { url, ca }: HttpProxy,
  options: RequestOptions,
  via: Dial | null = null,
): ClientRequest {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const tls = url.protocol === "https:";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  const secure = (to: ConnectionOptions): Socket =>
    connectTls({
      ...to,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca: [...ca] }),
      ALPNProtocols: ["http/1.1"],
    });
  const createConnection: RequestOptions["createConnection"] = (_, onCreated) => {
    if (via === null) {
      const to = { host, port, allowHalfOpen: true };
      return (tls ? secure(to) : connectTcp(to)).setNoDelay(true).setKeepAlive(true);
    }
    const open = async (): Promise<void> => {
      const signal = options.signal ?? new AbortController().signal;
      const dialled = await via({ host, port, family: isIP(host) as HostPort["family"] }, signal);
      if (dialled.kind === "refused") return onCreated(new Error(dialled.refusal.text), new Duplex());
      onCreated(null, tls ? secure({ socket: dialled.socket }) : dialled.socket);
    };
    void open();
    return undefined;
  };
  return (tls ? https : http).request({ ...options, host, port, createConnection });
}

/** The field that a proxy knows this device by; none where it asks for none. */
export function credentialField({ credential }: HttpProxy): Record<string, string> {
  return credential === null ? {} : { "proxy-authorization": credential.reveal() };
}

function refused(status: number, text: string, unreachable = false): Dialled {
  return { kind: "refused", refusal: { status, text, unreachable } };
}
