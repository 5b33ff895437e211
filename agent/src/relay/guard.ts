import { parseHostName, parseHostPort, type HostPort } from "@flowstate/shared/net/host-port";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";

/** What a request to the relay is about. */
export type Ask =
  | { readonly kind: "own"; readonly path: string }
  | { readonly kind: "forward"; readonly to: HostPort; readonly authority: string; readonly path: string };

export type AskRefusal = "bad_target" | "loop" | "foreign_host" | "web_page";

/** The parts of a request's head that decide. */
export interface AskHead {
  readonly url: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site`, which a browser sets and a page cannot. */
  readonly fetchSite: string | undefined;
}

/**
 * Reads the target of CONNECT. The relay is no way to itself: that would be a loop, and a way for a page behind it to
 * reach what is meant for this machine's own programs.
 */
export function parseTunnelTarget(authority: string, ownPort: number): Parsed<HostPort, AskRefusal> {
  const to = parseHostPort(authority);
  if (!to.ok) return refuse("bad_target", to.detail);
  return isOwn(to.value, ownPort) ? refuse("loop", "the relay is not a way to itself") : to;
}

/**
 * Judges a request that is not CONNECT. What is for the relay itself must name it by a loopback name, which a page that
 * rebinds its own name to 127.0.0.1 does not, and must not come from a web page. Never throws.
 */
export function parseAsk(head: AskHead, ownPort: number): Parsed<Ask, AskRefusal> {
  if (head.url.startsWith("/")) return ownAsk(head, ownPort);
  const match = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(head.url);
  if (match === null) {
    return refuse(
      "bad_target",
      "the request target must be an absolute http:// URI or, with CONNECT, host:port",
    );
  }
  const [, authority = "", rest = ""] = match;
  const to = parseAuthority(authority, 80);
  if (!to.ok) return refuse("bad_target", to.detail);
  if (isOwn(to.value, ownPort)) return refuse("loop", "the relay is not a way to itself");
  return ok({ kind: "forward", to: to.value, authority, path: rest.startsWith("/") ? rest : `/${rest}` });
}

function ownAsk({ url, host, origin, fetchSite }: AskHead, ownPort: number): Parsed<Ask, AskRefusal> {
  const named = parseAuthority(host ?? "", 80);
  if (!named.ok || !isOwn(named.value, ownPort)) {
    return refuse("foreign_host", `the relay answers to 127.0.0.1:${ownPort} and localhost:${ownPort} only`);
  }
  if (origin !== undefined || !["none", "same-origin", undefined].includes(fetchSite)) {
    return refuse("web_page", "the relay does not answer web pages");
  }
  return ok({ kind: "own", path: url.split("?")[0] ?? url });
}

function parseAuthority(authority: string, defaultPort: number): Parsed<HostPort> {
  if (/[@\s]/.test(authority)) return refuse("bad_target", "the target must not hold user information");
  if (/:\d*$/.test(authority) && !authority.endsWith("]")) return parseHostPort(authority);
  if (authority.startsWith("[")) return parseHostPort(`${authority}:${defaultPort}`);
  const host = parseHostName(authority);
  return host.ok ? ok({ ...host.value, port: defaultPort }) : host;
}

function isOwn({ host, port, family }: HostPort, ownPort: number): boolean {
  const loopback = host === "localhost" || host === "::1" || (family === 4 && host.startsWith("127."));
  return port === ownPort && loopback;
}
