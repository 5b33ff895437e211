import { isIP } from "node:net";
import { ok, refuse, type Parsed } from "../parsed.ts";

/** Where a tunnel goes. `host` is lower case, without a trailing dot, without brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
  /** 4 or 6 for an address literal, 0 for a name. */
  readonly family: 0 | 4 | 6;
}

export type HostPortRefusal =
  | "too_long"
  | "bad_character"
  | "missing_port"
  | "bad_port"
  | "empty_host"
  | "bad_address"
  | "bad_name";

/**
 * The authority form of CONNECT (RFC 9112 3.2.3), read strictly: `host:port` and nothing else. No user information,
 * path, query, zone id, named port, unbracketed IPv6, non-ASCII name, or IPv4 in any spelling but four decimals
 * (getaddrinfo would read `0x7f000001` or `127.1` as loopback). Never throws.
 */
export function parseHostPort(authority: string): Parsed<HostPort, HostPortRefusal> {
  if (authority.length > 1024) return refuse("too_long", "the target is longer than 1024 characters");
  if (!/^[A-Za-z0-9._:[\]-]*$/.test(authority)) {
    return refuse(
      "bad_character",
      "the target must be host:port with an ASCII host; use punycode for other scripts",
    );
  }
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(authority);
  const plain = bracketed ?? /^([^:[\]]*)(?::([^:]*))?$/.exec(authority);
  if (plain === null)
    return refuse("bad_address", "an IPv6 target must stand in brackets, as in [2001:db8::1]:443");
  const [, hostText = "", portText] = plain;
  if (portText === undefined || portText === "")
    return refuse("missing_port", "the target has no port; it must be host:port");
  const port = /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65_535)
    return refuse("bad_port", "the target's port must be a number from 1 to 65535");
  if (bracketed !== null) {
    return isIP(hostText) === 6
      ? ok({ host: canonicalIPv6(hostText), port, family: 6 })
      : refuse("bad_address", "the target's brackets do not hold an IPv6 address");
  }
  const host = parseHostName(hostText);
  return host.ok ? ok({ ...host.value, port }) : host;
}

/** A host name or dotted IPv4 address in canonical form, by the same rules. */
export function parseHostName(
  text: string,
): Parsed<Omit<HostPort, "port">, "empty_host" | "bad_address" | "bad_name"> {
  const host = text.toLowerCase().replace(/\.$/, "");
  if (host === "") return refuse("empty_host", "the target has no host");
  if (isIP(host) === 4) return ok({ host, family: 4 });
  const labels = host.split(".");
  if (/^(?:0x[0-9a-f]*|[0-9]+)$/.test(labels.at(-1) ?? "")) {
    return refuse("bad_address", "an IPv4 target must be four decimal numbers, as in 192.0.2.1");
  }
  const valid =
    host.length <= 253 && labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return valid
    ? ok({ host, family: 0 })
    : refuse(
        "bad_name",
        "the target's host is not a valid name: labels of 1 to 63 letters, digits, - or _, at most 253 in all",
      );
}

/** RFC 5952 spelling, so that one address has one name in rules and meters. */
function canonicalIPv6(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
