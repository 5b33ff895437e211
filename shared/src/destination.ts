import { domainToASCII } from "node:url";
import { isIP } from "node:net";
import { parseHostName, parseHostPort } from "./net/host-port.ts";
import { ok, refuse, type Parsed } from "./parsed.ts";
import type { DestinationRule } from "./wire/policy.ts";

export type DestinationRefusal = "bad_wildcard" | "not_punycode" | "bad_host" | "bad_port";

/**
 * Reads one destination of a policy as a person writes it: `host`, `*.suffix` or an address, each with an optional
 * `:port`. A wildcard stands for whole labels at the front and nowhere else, so that no rule covers more than it seems
 * to. Returns the rule in the form that the proxy matches. Never throws.
 */
export function parseDestinationRule(text: string): Parsed<DestinationRule, DestinationRefusal> {
  const entry = text.trim();
  const [, name = "", port] =
    isIP(entry) === 6 ? [entry, `[${entry}]`] : (/^(.*?)(?::(\d+))?$/s.exec(entry) ?? []);
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535))
    return refuse("bad_port", `the port of "${shown(entry)}" must be a number from 1 to 65535`);
  const ports = port === undefined ? {} : { ports: [Number(port)] };
  const suffix = name.startsWith("*.") ? name.slice(2) : null;
  if ((suffix ?? name).includes("*")) {
    return refuse(
      "bad_wildcard",
      `"${shown(entry)}" must be a host or *.suffix: a * stands for whole labels at the front only`,
    );
  }
  if (/[^\x20-\x7e]/.test(name)) {
    const ascii = domainToASCII(suffix ?? name);
    const hint = ascii === "" ? "" : `; write ${suffix === null ? "" : "*."}${ascii}`;
    return refuse("not_punycode", `"${shown(entry)}" must be in punycode${hint}`);
  }
  if (name.startsWith("[")) {
    const address = parseHostPort(`${name}:${port ?? 443}`);
    return address.ok ? ok({ host: address.value.host, ...ports }) : refuse("bad_host", address.detail);
  }
  const host = parseHostName(suffix ?? name);
  if (!host.ok || (suffix !== null && host.value.family !== 0)) {
    return refuse("bad_host", `"${shown(entry)}" must be a host name, *.suffix or an IP address`);
  }
  return ok({ host: `${suffix === null ? "" : "*."}${host.value.host}`, ...ports });
}

function shown(text: string): string {
  return text.slice(0, 80);
}
