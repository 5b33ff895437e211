import type { Duplex } from "node:stream";
import { STATUS_CODES } from "node:http";

/** Proxy error types of RFC 9209 2.3 that this proxy gives. */
export type ProxyErrorType =
  | "dns_timeout"
  | "dns_error"
  | "destination_ip_prohibited"
  | "destination_ip_unroutable"
  | "destination_unavailable"
  | "connection_refused"
  | "connection_terminated"
  | "connection_timeout"
  | "connection_limit_reached"
  | "http_request_denied"
  | "http_protocol_error"
  | "proxy_internal_error"
  | "proxy_loop_detected";

/** An answer that the proxy gives itself instead of carrying the request on. */
export interface Refusal {
  readonly status: number;
  /** Null where RFC 9209 has no type for it (407). */
  readonly error: ProxyErrorType | null;
  /** One sentence for the person who reads it. */
  readonly text: string;
  /** Parameters of the Proxy-Status member, for example `rcode`. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number;
}

/** How long the peer may take to read a refusal before the connection is cut. */
const lingerMs = 5000;

/** Fields of a refusal, in the order sent. Every generated answer says so with Proxy-Status (RFC 9209). */
export function refusalFields({
  status,
  error,
  text,
  parameters = {},
  retryAfterSeconds,
}: Refusal): [string, string][] {
  const details = Object.entries(parameters).map(([name, value]) => `;${name}=${quoted(value)}`);
  return [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Content-Length", String(Buffer.byteLength(`${text}\n`))],
    ...(error === null
      ? []
      : [
          ["Proxy-Status", `flowstate;error=${error}${details.join("")};details=${quoted(text)}`] satisfies [
            string,
            string,
          ],
        ]),
    ...(status === 407
      ? [["Proxy-Authenticate", 'Basic realm="Flowstate", charset="UTF-8"'] satisfies [string, string]]
      : []),
    ...(retryAfterSeconds === undefined
      ? []
      : [["Retry-After", String(retryAfterSeconds)] satisfies [string, string]]),
    ["Cache-Control", "no-store"],
    ["Connection", "close"],
  ];
}

/**
 * Refuses on a raw connection: head and body in one write, then the end. Nothing that the client sends afterwards is
 * parsed (RFC 9931), but it is read and dropped, so that the answer is not lost to a reset.
 */
export function refuseSocket(socket: Duplex, refusal: Refusal): void {
  const head = refusalFields(refusal)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const reason = STATUS_CODES[refusal.status] ?? "Refused";
  socket.end(`HTTP/1.1 ${refusal.status} ${reason}\r\n${head}\r\n${refusal.text}\n`);
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  cut.unref();
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(cut));
}

/** RFC 8941 string: printable ASCII, quotes and backslashes escaped. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/[\\"]/g, "\\$&")}"`;
}
