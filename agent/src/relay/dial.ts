import { request as requestPlain, type RequestOptions } from "node:http";
import { request as requestTls } from "node:https";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { systemCode } from "@flowstate/shared/errors";
import type { HostPort } from "@flowstate/shared/net/host-port";
import type { Secret } from "@flowstate/shared/secret";

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

/** The organisation's cloud proxy as this device reaches it. */
export interface CloudProxy {
  /** `https://` or, on closed networks, `http://`. */
  readonly url: URL;
  /** `Basic …` of the person's e-mail and the organisation's key. */
  readonly credential: Secret;
  /** PEM of authorities that the proxy's certificate is verified with; undefined means the system's. */
  readonly ca: readonly string[] | undefined;
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

/**
 * Through the cloud proxy by CONNECT. Resolves only after the proxy's 2xx, so that no byte of a tunnel is ever read as
 * a request (RFC 9931).
 */
export function cloudDial(proxy: CloudProxy): Dial {
  const where = `the cloud proxy ${proxy.url.host}`;
  return async (to, signal) => {
    const { promise, resolve } = Promise.withResolvers<Dialled>();
    const authority = `${to.family === 6 ? `[${to.host}]` : to.host}:${to.port}`;
    const request = proxyRequest(proxy, {
      method: "CONNECT",
      path: authority,
      headers: { host: authority, "proxy-authorization": proxy.credential.reveal() },
      signal,
    });
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
          ? refused(502, `${where} does not accept this device's key; run \`flowstate status\``)
          : refused(status, reason === "" ? `${where} answered ${status}` : reason),
      );
    });
    request.once("response", (answer) => {
      answer.destroy();
      resolve(refused(502, `${where} answered ${answer.statusCode ?? 0} to CONNECT`));
    });
    request.on("error", (error) =>
      resolve(refused(502, `${where} cannot be reached (${systemCode(error) ?? "failed"})`, true)),
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

/** A request to the cloud proxy itself, on a connection of its own. */
export function proxyRequest(
  { url, ca }: CloudProxy,
  options: RequestOptions,
): ReturnType<typeof requestPlain> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const tls = url.protocol === "https:";
  const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
  const to = { host, port, allowHalfOpen: true };
  const createConnection = (): Socket => {
    const socket = tls
      ? connectTls({
          ...to,
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ...(ca === undefined ? {} : { ca: [...ca] }),
          ALPNProtocols: ["http/1.1"],
        })
      : connectTcp(to);
    return socket.setNoDelay(true).setKeepAlive(true);
  };
  return (tls ? requestTls : requestPlain)({ ...options, host, port, createConnection });
}

function refused(status: number, text: string, unreachable = false): Dialled {
  return { kind: "refused", refusal: { status, text, unreachable } };
}
