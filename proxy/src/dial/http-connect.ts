import { once } from "node:events";
import type { Socket } from "node:net";
import type { HostPort } from "@flowstate/shared/net/host-port";
import { basicCredential, type BasicCredential } from "@flowstate/shared/net/basic-auth";
import type { Refusal } from "../reply.ts";

/** Why an upstream proxy did not open the tunnel. */
export type UpstreamFailure = Pick<Refusal, "text" | "parameters"> & {
  readonly error: NonNullable<Refusal["error"]>;
};

const mostHeadBytes = 16 << 10;

/** Asks by CONNECT (RFC 9110 9.3.6). Null once the tunnel is open; bytes behind the answer's head are in the socket again. */
export async function askByConnect(
  socket: Socket,
  to: HostPort,
  login: BasicCredential | null,
  signal: AbortSignal,
): Promise<UpstreamFailure | null> {
  const authority = `${to.family === 6 ? `[${to.host}]` : to.host}:${to.port}`;
  const proof = login === null ? "" : `Proxy-Authorization: ${basicCredential(login)}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${proof}\r\n`);
  const head = await readHead(socket, signal);
  const status = /^HTTP\/1\.[01] (\d{3})(?:\s|$)/.exec(head ?? "")?.[1];
  if (status === undefined)
    return { error: "http_protocol_error", text: "the upstream proxy's answer is no HTTP" };
  if (status.startsWith("2")) return null;
  return {
    error: "http_request_denied",
    text: `the upstream proxy answers ${status}`,
    parameters: { "received-status": status },
  };
}

/** The head of the answer without its empty line. Null where it is no HTTP head. */
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
