import { BlockList, isIP } from "node:net";
import { ok, refuse, type Parsed } from "../parsed.ts";
import { Secret } from "../secret.ts";

/** One setting: its environment name, how its text becomes a value, its default as text, and a sentence for people. */
export interface Option<T> {
  readonly env: string;
  /** What it takes, as the error says it: "a port from 1 to 65535". */
  readonly takes: string;
  /** Text used when the variable is unset or empty; undefined where the setting is then null. */
  readonly fallback: string | undefined;
  readonly describe: string;
  readonly secret: boolean;
  readonly parse: (text: string) => Parsed<T>;
}

interface Declared {
  readonly env: string;
  readonly describe: string;
  readonly fallback?: string;
}

type Required<T> = T & { readonly fallback: string };

/** A century. */
const mostDays = 36_500;

/** Builders: with a `fallback` the value is never null. */
export const option = {
  text: maker("text", (text) => ok(text)),
  port: maker("a port from 0 to 65535 (0 picks a free one)", (text) => integer(text, 0, 65_535)),
  count: maker("a whole number of 1 or more", (text) => integer(text, 1, Number.MAX_SAFE_INTEGER)),
  /** For how long something is kept, which has a least that the setting's own use gives. */
  days: (least: number) =>
    maker(`a whole number of days from ${least} to ${mostDays}`, (text) => integer(text, least, mostDays)),
  milliseconds: maker("a whole number of milliseconds", (text) => integer(text, 0, Number.MAX_SAFE_INTEGER)),
  flag: maker("1, true, 0 or false", (text) =>
    /^(?:1|true|yes|on)$/i.test(text)
      ? ok(true)
      : /^(?:0|false|no|off)$/i.test(text)
        ? ok(false)
        : refuse("not_a_flag", "not a flag"),
  ),
  address: maker("an IP address or host name to listen on", (text) =>
    isIP(text) !== 0 || /^[A-Za-z0-9.-]+$/.test(text) ? ok(text) : refuse("not_an_address", "not an address"),
  ),
  httpUrl: maker("an http:// or https:// address without a path", (text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    const bare =
      url !== null && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search + url.hash === "";
    return bare ? ok(url) : refuse("not_a_url", "not such an address");
  }),
  /** Comma-separated address ranges; a bare address is a range of one. */
  cidrs: maker("address ranges such as 10.0.0.0/8,::1/128", parseCidrs),
  ports: maker(
    "port numbers separated by commas, or * for any",
    (text): Parsed<ReadonlySet<number> | "any"> => {
      if (text === "*") return ok("any" as const);
      const ports = text.split(",").map((part) => integer(part.trim(), 1, 65_535));
      return ports.every((port) => port.ok)
        ? ok(new Set(ports.map((port) => (port.ok ? port.value : 0))))
        : refuse("not_ports", "not ports");
    },
  ),
  logLevel: maker("one of trace, debug, info, warn, error, silent", (text) =>
    ["trace", "debug", "info", "warn", "error", "silent"].includes(text)
      ? ok(text)
      : refuse("not_a_level", "not a level"),
  ),
  secret: secretMaker,
};

function maker<T>(takes: string, parse: (text: string) => Parsed<T>) {
  function declare(declared: Required<Declared>): Option<T>;
  function declare(declared: Declared): Option<T | null>;
  function declare({ env, describe, fallback }: Declared): Option<T | null> {
    return { env, describe, fallback, takes, parse, secret: false };
  }
  return declare;
}

function secretMaker({ env, describe }: Omit<Declared, "fallback">): Option<Secret | null> {
  return {
    env,
    describe,
    fallback: undefined,
    takes: "a secret",
    secret: true,
    parse: (text) => ok(new Secret(text)),
  };
}

function integer(text: string, min: number, max: number): Parsed<number> {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? ok(value) : refuse("not_in_range", "not in range");
}

function parseCidrs(text: string): Parsed<BlockList> {
  const list = new BlockList();
  for (const part of text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")) {
    const [address = "", bits, ...rest] = part.split("/");
    const family = isIP(address);
    const width = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family === 0 || rest.length > 0 || !(prefix >= 0 && prefix <= width)) {
      return refuse("not_a_range", `"${part.slice(0, 60)}" is not an address range`);
    }
    list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  return ok(list);
}
