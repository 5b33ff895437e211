import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import { connect as connectTcp, isIP, type BlockList, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { HostPort } from "@flowstate/shared/net/host-port";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { vetAddress } from "../decide/address.ts";
import type { Refusal } from "../reply.ts";
import type { Dial, Dialled } from "./connect.ts";

/** The proxy that every tunnel goes through, as configured: trusted, so its own address is not vetted. */
export interface Upstream {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  /** `Basic …`; null where it asks for none. */
  readonly credential: string | null;
}

export interface UpstreamOptions {
  readonly upstream: Upstream;
  /** Ranges that a literal target may lie in although they are private; names are the upstream's to resolve. */
  readonly allow: BlockList;
  readonly timeoutMs: number;
}

const mostHeadBytes = 16 << 10;

/** Reads the setting: `http://` or `https://`, host, port, and a user and password where it asks for them. */
export function parseUpstream(url: URL): Parsed<Upstream, "colon_in_user"> {
  const user = decodeURIComponent(url.username);
  if (user.includes(":"))
    return refuse("colon_in_user", "the user name of the upstream proxy must not hold a colon");
  const tls = url.protocol === "https:";
  const password = decodeURIComponent(url.password);
  return ok({
    tls,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (tls ? 443 : 80) : Number(url.port),
    credential: user === "" ? null : basicCredential({ user, password }),
  });
}

/** Reaches targets by CONNECT through another proxy. What that proxy says instead of 2xx becomes a 502. Never rejects. */
export function createUpstreamDial({ upstream, allow, timeoutMs }: UpstreamOptions): Dial {
  return async (to, signal) => {
    const vetting = to.family === 0 ? null : vetAddress(to.host, allow);
    if (vetting?.kind === "prohibited") {
      return refused("destination_ip_prohibited", `${to.host} is no public address (${vetting.why})`);
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    const stop = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    const socket = open(upstream);
    socket.on("error", () => undefined);
    try {
      await once(socket, upstream.tls ? "secureConnect" : "connect", { signal: stop });
      socket.write(connectHead(to, upstream));
      const head = await readHead(socket, stop);
      // A stream that was read by hand can flow again only once it has noticed that nobody does so any more.
      await setImmediate();
      return judge(head, socket, upstream);
    } catch {
      socket.destroy();
      const where = `the upstream proxy ${upstream.host}:${upstream.port}`;
      return timeout.aborted
        ? {
            kind: "refused",
            refusal: {
              status: 504,
              error: "connection_timeout",
              text: `${where} did not answer in ${timeoutMs} ms`,
            },
          }
        : refused("destination_unavailable", `${where} cannot be reached`, nextHop(upstream));
    }
  };
}

function open({ tls, host, port }: Upstream): Socket {
  const to = { host, port, allowHalfOpen: true };
  if (!tls) return connectTcp({ ...to, noDelay: true, keepAlive: true });
  const socket = connectTls({
    ...to,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
  });
  return socket.setNoDelay(true);
}

function connectHead({ host, port, family }: HostPort, { credential }: Upstream): string {
  const authority = `${family === 6 ? `[${host}]` : host}:${port}`;
  const proof = credential === null ? "" : `Proxy-Authorization: ${credential}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${proof}\r\n`;
}

/** The head of the answer without its empty line; what follows it goes back into the socket. Null where it is no HTTP head. */
async function readHead(socket: Socket, signal: AbortSignal): Promise<string | null> {
  let received = Buffer.alloc(0);
  for (;;) {
    const end = received.indexOf("\r\n\r\n");
    if (end >= 0) {
      const rest = received.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      const head = received.toString("latin1", 0, end);
      return head.includes("\0") ? null : head;
    }
    if (received.length > mostHeadBytes || socket.readableEnded || socket.destroyed) return null;
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) await once(socket, "readable", { signal });
    else received = Buffer.concat([received, chunk]);
  }
}

function judge(head: string | null, socket: Socket, upstream: Upstream): Dialled {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/m.exec(head ?? "")?.[1];
  if (status?.startsWith("2") === true) {
    return { kind: "open", socket, reads: null };
  }
  socket.destroy();
  if (status === undefined)
    return refused("http_protocol_error", "the upstream proxy's answer is no HTTP", nextHop(upstream));
  const parameters = { ...nextHop(upstream), "received-status": status };
  return refused("http_request_denied", `the upstream proxy answers ${status}`, parameters);
}

function nextHop({ host, port }: Upstream): Record<string, string> {
  return { "next-hop": `${host}:${port}` };
}

function refused(error: Refusal["error"], text: string, parameters: Refusal["parameters"] = {}): Dialled {
  return { kind: "refused", refusal: { status: 502, error, text, parameters } };
}
