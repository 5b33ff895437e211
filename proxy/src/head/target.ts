import { parseHostName, parseHostPort, type HostPort } from "@flowstate/shared/net/host-port";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** What a request asks of the proxy, read from its request target (RFC 9112 3.2). */
export type Target =
  | ForwardTarget
  /** Origin form or `*`: meant for a server that this is not. */
  | { readonly kind: "ours" };

export interface ForwardTarget {
  readonly kind: "forward";
  readonly to: HostPort;
  readonly authority: string;
  readonly path: string;
}

const mostUriLength = 8192;

/** Reads the absolute form strictly: `http://` only, no user information, no fragment. Never throws. */
export function parseForwardTarget(
  uri: string,
): Parsed<Target, "uri_too_long" | "bad_target" | "https_target" | "other_scheme"> {
  if (uri.length > mostUriLength)
    return refuse("uri_too_long", `the request target is longer than ${mostUriLength} characters`);
  if (uri.startsWith("/") || uri === "*") return ok({ kind: "ours" });
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/i.exec(uri);
  if (match === null)
    return refuse(
      "bad_target",
      "the request target must be an absolute http:// URI or, with CONNECT, host:port",
    );
  const [, scheme = "", authority = "", rest = ""] = match;
  if (/^https$/i.test(scheme))
    return refuse("https_target", "https:// targets are reached with CONNECT host:443");
  if (!/^http$/i.test(scheme)) return refuse("other_scheme", "only http:// targets are forwarded");
  const to =
    /:\d*$/.test(authority) && !authority.endsWith("]") ? parseHostPort(authority) : parseBareHost(authority);
  if (!to.ok) return refuse("bad_target", to.detail);
  return ok({ kind: "forward", to: to.value, authority, path: rest.startsWith("/") ? rest : `/${rest}` });
}

function parseBareHost(authority: string): Parsed<HostPort> {
  if (/[@\s]/.test(authority))
    return refuse("bad_target", "the request target must not hold user information");
  if (authority.startsWith("[")) return parseHostPort(`${authority}:80`);
  const host = parseHostName(authority);
  return host.ok ? ok({ ...host.value, port: 80 }) : host;
}
