import type { IncomingMessage } from "node:http";

/**
 * Whether a request may change its protocol (RFC 9110 7.8): one without a body, to anything but HTTP/2 in clear text,
 * which would hide from the meter what comes after. Otherwise `Upgrade` is a field like any other that stays here.
 */
export function maySwitch({ method, headers }: IncomingMessage): boolean {
  const protocols = (headers.upgrade ?? "").toLowerCase().split(",");
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return method === "GET" && !hasBody && protocols.every((protocol) => !protocol.trim().startsWith("h2"));
}
