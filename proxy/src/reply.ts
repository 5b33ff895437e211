import type { ServerHttp2Stream } from "node:http2";
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

/** For the log alone: nobody is there to read it. The status is nginx's, RFC 9110 has none. */
export const clientLeft: Refusal = {
  status: 499,
  error: "connection_terminated",
  text: "the client left before the target answered",
};

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
  socket.end(`${renderHead(refusal.status, refusalFields(refusal))}${refusal.text}\n`);
  socket.resume();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  cut.unref();
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(cut));
}

/** Refuses one stream of a connection that goes on for the others. */
export function refuseStream(stream: ServerHttp2Stream, refusal: Refusal): void {
  const fields = refusalFields(refusal).filter(([name]) => name !== "Connection");
  stream.respond({
    ":status": refusal.status,
    ...Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
  });
  stream.end(`${refusal.text}\n`);
}

/** The status line and fields of an answer that is written by hand, with the empty line. */
export function renderHead(
  status: number,
  fields: readonly (readonly [string, string])[],
  phrase = STATUS_CODES[status] ?? "",
): string {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${phrase}\r\n${lines}\r\n`;
}

/** RFC 8941 string: printable ASCII, quotes and backslashes escaped. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/[\\"]/g, "\\$&")}"`;
}
